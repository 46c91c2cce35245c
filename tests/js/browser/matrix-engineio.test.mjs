// Our client in Chromium over engine.io: the behaviours that every client must have.
import { chromium } from "../matrix/peers/chromium.mjs";
import { matrix } from "../matrix/run.mjs";

matrix("chromium-engineio", [chromium("engine.io", "json")]);
