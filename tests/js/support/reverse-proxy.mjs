// Real reverse proxies, configured as docs/proxies.md says.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, root } from "./server.mjs";
import { until } from "./until.mjs";

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The recipe of a language in docs/proxies.md, for a server and a port of the test's own. */
function recipe(language, server, port) {
  const page = readFileSync(join(root, "docs", "proxies.md"), "utf8");
  const found = page.match(new RegExp("```" + language + "\n([^]*?)```"));
  if (!found) throw new Error(`docs/proxies.md has no recipe for ${language}`);
  const text = found[1];
  const address = `127.0.0.1:${port}`;
  const [listens, listensHere] = {
    nginx: ["listen 80;", `listen ${address};`],
    haproxy: ["bind :80", `bind ${address}`],
    caddyfile: [":80 {", `http://${address} {`],
  }[language];
  for (const part of [listens, "127.0.0.1:8080"]) {
    if (!text.includes(part)) throw new Error(`The recipe for ${language} has no "${part}"`);
  }
  return text.replace("127.0.0.1:8080", new URL(server.url).host).replace(listens, listensHere);
}

/** How each proxy is started: its configuration around the recipe, and its command line. */
const kinds = {
  nginx: (folder, text) => {
    const file = join(folder, "nginx.conf");
    writeFileSync(
      file,
      `pid ${folder}/pid; error_log stderr warn; worker_processes 1; daemon off; master_process off;
       events { worker_connections 512; }
       http {
         access_log off;
         client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
         fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
         ${text}
       }`,
    );
    return ["nginx", "-p", folder, "-e", "stderr", "-c", file];
  },
  haproxy: (folder, text) => {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(file, text);
    return ["haproxy", "-db", "-f", file];
  },
  caddyfile: (folder, text) => {
    const file = join(folder, "Caddyfile");
    writeFileSync(file, `{\n  admin off\n  auto_https off\n}\n${text}`);
    return ["caddy", "run", "--adapter", "caddyfile", "--config", file];
  },
};

/** The proxies that docs/proxies.md has recipes for, by the language of the recipe. */
export const proxies = Object.keys(kinds);

/** Starts a proxy in front of a server, and gives its URL. It ends with the test. */
export async function reverseProxy(test, language, server) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "stellarfw-proxy-"));
  const [command, ...args] = kinds[language](folder, recipe(language, server, port));
  const path = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;
  execFileSync("sh", ["-c", `command -v ${command}`], { env: { ...process.env, PATH: path } });
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: path, HOME: folder },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (output += text));
  }
  running.add(child);
  test.after(async () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.kill("SIGKILL")) await gone;
    running.delete(child);
    rmSync(folder, { recursive: true, force: true });
  });
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`${command} ended: ${output}`);
      return listens(port);
    },
    () => `${command} to listen: ${output}`,
  );
  return `http://127.0.0.1:${port}`;
}

const listens = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
