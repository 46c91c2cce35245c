// Our client in Chromium over socket.io: the behaviours that every client must have.
import { chromium } from "../matrix/peers/chromium.mjs";
import { matrix } from "../matrix/run.mjs";

matrix("chromium-socketio", [chromium("socket.io", "json")]);
