// Our client in Chromium over sockjs: the behaviours that every client must have.
import { chromium } from "../matrix/peers/chromium.mjs";
import { matrix } from "../matrix/run.mjs";

matrix("chromium-sockjs", [chromium("sockjs", "json")]);
