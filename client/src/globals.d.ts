// What the script for pages is put together around. The server, or the build, wraps the parts in a
// function with these parameters: first what is chosen, the core last.

/** What the parts before the core have brought. */
declare const $parts: Partial<import("./client").Build> & {
  transports: import("./transports/transport").Transports;
  own: import("./transports/own/adapter").Adapter[];
};

/** Where the names go: `exports` where a module system is, else the page's globals. */
declare const $target: object;

/** The settings that the server has put there; elsewhere the build puts `{}` in their place. */
declare const $settings: import("./options").ClientOptions;
