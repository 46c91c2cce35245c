// The examples of React and Vue, put together by their own build script, and used.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { Demo } from "../support/demo.mjs";
import { root } from "../support/server.mjs";

/**
 * The example and its bundle, in a folder that has the packages as `npm install` leaves them: the
 * client is a link to a folder that has no packages of its own.
 */
async function made(t, name) {
  const folder = await mkdtemp(join(tmpdir(), `stellar-${name}-`));
  t.after(() => rm(folder, { recursive: true }));
  const [example, client, packages] = ["example", "client", "example/node_modules"].map((path) => join(folder, path));
  await cp(`${root}examples/${name}`, example, {
    recursive: true,
    filter: (path) => !/node_modules|bundle\.js$/.test(path),
  });
  await mkdir(client);
  for (const part of ["dist", "package.json"]) {
    await cp(`${root}client/${part}`, join(client, part), { recursive: true });
  }
  await mkdir(packages);
  for (const entry of await readdir(`${root}client/node_modules`)) {
    if (!entry.startsWith(".")) await symlink(`${root}client/node_modules/${entry}`, join(packages, entry));
  }
  await symlink(client, join(packages, "stellar-client"));
  const { scripts } = JSON.parse(await readFile(join(example, "package.json"), "utf8"));
  const PATH = [`${root}client/node_modules/.bin`, process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH };
  execFileSync("sh", ["-c", `${scripts.build} --log-level=error`], { cwd: example, env });
  return example;
}

for (const name of ["react", "vue"]) {
  test(`${name}: the state, a room, an action; the server restarts`, async (t) => {
    const folder = await made(t, name);
    const demo = await Demo.start(t, "--set", `public=["${folder}"]`);
    const [{ page }, other] = [
      await demo.window({ networkMayFail: true }),
      await demo.window({ networkMayFail: true }),
    ];
    const title = (state) => page.locator("h1", { hasText: `: ${state}` }).waitFor();
    await title("connected");
    for (const window of [page, other.page]) {
      await window.locator("h2", { hasText: "lobby: joined" }).waitFor();
    }
    await page.getByLabel("Message").fill("hello there");
    await page.getByRole("button", { name: "Say" }).click();
    for (const window of [page, other.page]) {
      await window.locator("li", { hasText: "hello there" }).waitFor();
    }
    await page.getByRole("button", { name: "Random number" }).click();
    await page.locator("output", { hasText: /^0\.\d+$/ }).waitFor();
    await demo.server.kill();
    await title("reconnecting");
    for (const window of [page, other.page]) {
      await window.locator("h2", { hasText: "lobby: joining" }).waitFor();
    }
    await demo.server.restart();
    await title("connected");
    for (const window of [page, other.page]) {
      await window.locator("h2", { hasText: "lobby: joined" }).waitFor();
    }
    await page.getByLabel("Message").fill("again");
    await page.getByRole("button", { name: "Say" }).click();
    await other.page.locator("li", { hasText: "again" }).waitFor();
    assert.equal(await page.locator("h2").innerText(), "lobby: joined");
    // Without the network, too.
    await page.context().setOffline(true);
    await title("offline");
    await page.locator("h2", { hasText: "lobby: joining" }).waitFor();
    await page.context().setOffline(false);
    await page.locator("h2", { hasText: "lobby: joined" }).waitFor();
  });
}
