// Our client in Chromium over ws: the behaviours that every client must have.
import { chromium } from "../matrix/peers/chromium.mjs";
import { matrix } from "../matrix/run.mjs";

matrix("chromium-ws", [chromium("ws", "json")]);
