import { fallback } from "./transports/fallback";
/** Everything the package has besides its codecs. */
export declare const engines: {
    transports: {
        ws: import("./public").Connect[];
        "engine.io": import("./public").Connect[];
        "socket.io": import("./public").Connect[];
        sockjs: import("./public").Connect[];
    };
    fallback: typeof fallback;
    own: (given: any) => import("./public").Connect;
};
