// The examples of React and Vue, put together as their README says, and used.
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { Demo } from "../support/demo.mjs";
import { root } from "../support/server.mjs";

const entries = { react: "app.jsx", vue: "app.js" };

/** A folder with the example's page and its bundle, made with the packages of the client. */
async function made(t, name) {
  const folder = await mkdtemp(join(tmpdir(), `stellar-${name}-`));
  t.after(() => rm(folder, { recursive: true }));
  const example = `${root}examples/${name}`;
  await cp(`${example}/index.html`, join(folder, "index.html"));
  await build({
    entryPoints: [`${example}/${entries[name]}`],
    outfile: join(folder, "bundle.js"),
    ...{ bundle: true, format: "esm", jsx: "automatic", logLevel: "error" },
    nodePaths: [`${root}client/node_modules`],
    define: {
      "process.env.NODE_ENV": '"production"',
      __VUE_OPTIONS_API__: "true",
      __VUE_PROD_DEVTOOLS__: "false",
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false",
    },
    alias: {
      "stellar-client/react": `${root}client/dist/react.mjs`,
      "stellar-client/vue": `${root}client/dist/vue.mjs`,
      "stellar-client": `${root}client/dist/stellar-client.mjs`,
    },
  });
  return folder;
}

for (const name of Object.keys(entries)) {
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
    await demo.server.restart();
    await title("connected");
    await page.getByLabel("Message").fill("again");
    await page.getByRole("button", { name: "Say" }).click();
    await other.page.locator("li", { hasText: "again" }).waitFor();
    assert.equal(await page.locator("h2").innerText(), "lobby: joined");
  });
}
