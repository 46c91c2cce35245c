import { StellarError } from "./errors";
import { Stellar, StellarClient } from "./msgpack";

// Where the names go: `exports` where a module system is, else the page's globals. The build
// wraps the script in a function of this one parameter.
declare const target: object;

// Every name that releases and their guides use.
Object.assign(target, { StellarClient, Stellar, StellarError });
