// Parameters of the function around the script for pages. The server, or the build, concatenates
// the selected parts inside it, with the core last.

/** The contributions of the parts before the core. */
declare const $parts: Partial<import("./client").Build> & {
  transports: import("./transports/transport").Transports;
  own: import("./transports/own/adapter").Adapter[];
};

/** The object that receives the exports: `exports` in a module system, else the page's globals. */
declare const $target: object;

/** The settings that the server inserts. The build inserts `{}` elsewhere. */
declare const $settings: import("./options").ClientOptions;
