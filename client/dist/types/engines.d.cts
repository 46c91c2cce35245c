import { fallback } from "./transports/fallback.cjs";
/** Everything the package has besides its codecs. */
export declare const engines: {
    transports: {
        ws: import("./public.cjs").Connect[];
        "engine.io": import("./public.cjs").Connect[];
        "socket.io": import("./public.cjs").Connect[];
        sockjs: import("./public.cjs").Connect[];
    };
    fallback: typeof fallback;
    own: import("./transports/own/adapter.cjs").Adapter[];
};
