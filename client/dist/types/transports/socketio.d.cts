import type { Connect } from "./transport.cjs";
/** The names under which the server sends whole messages. Events of rooms come again by theirs. */
export declare const whole: RegExp;
/** The `socket.io` engine, protocol 5, over the ways of Engine.IO: messages are events `message`. */
export declare const socketio: (ways: Connect[]) => Connect[];
