import { fallback } from "./transports/fallback.mjs";
/** Everything the package has besides its codecs. */
export declare const engines: {
    transports: {
        ws: import("./public.mjs").Connect[];
        "engine.io": import("./public.mjs").Connect[];
        "socket.io": import("./public.mjs").Connect[];
        sockjs: import("./public.mjs").Connect[];
    };
    fallback: typeof fallback;
    own: import("./transports/own/adapter.mjs").Adapter[];
};
