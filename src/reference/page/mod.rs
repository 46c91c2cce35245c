//! The page: whole and readable without a script; the script adds the forms' calls, the filter and
//! the theme.

mod actions;
pub(super) mod home;
mod html;
mod protocol;

use self::html::{escape, json};
use super::catalog::{Catalog, Entry};

/// The page.
pub(super) fn render(catalog: &Catalog<'_>) -> String {
    let name = escape(&catalog.settings.name);
    let path = escape(&catalog.settings.pathname);
    let api = escape(&catalog.settings.api_path);
    let (side, intro, main) = (side(catalog), intro(catalog), actions::render(catalog));
    let protocol = protocol::render(catalog);
    format!(
        r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{name}: reference</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta name="description" content="The actions, messages and errors of {name}">
<link rel="icon" type="image/svg+xml" href="docs/logo.svg">
<link rel="stylesheet" href="docs/docs.css">
<script src="docs/docs.js"></script>
<script src="stellar-client" defer></script>
</head>
<body data-path="{path}" data-api="{api}">
<a class="skip" href="#main">Skip to the actions</a>
<header class="top">
<a class="brand" href="#top"><img src="docs/logo.svg" width="34" height="34" alt=""><span class="brand-name">{name}</span></a>
<div class="status" id="status" data-state="idle">
<span class="status-dot" aria-hidden="true"></span><span id="status-text" role="status">Not connected</span>
</div>
<button type="button" class="button button-icon" id="contents" aria-expanded="false" aria-controls="side" aria-label="Contents">
<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 5h14v1.8H3zm0 4.1h14v1.8H3zm0 4.1h9V15H3z"/></svg>
</button>
<button type="button" class="button button-icon" id="theme" aria-label="Switch between dark and light">
<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M10 2.5a7.5 7.5 0 1 0 0 15zM10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18"/></svg>
</button>
</header>
<div class="frame">
{side}<main id="main" tabindex="-1">
{intro}{main}{protocol}<footer class="foot">Made by stellarfw {version} of what this server declares.</footer>
</main>
</div>
</body>
</html>
"##,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The contents: every action by group, and the parts of the protocol.
fn side(catalog: &Catalog<'_>) -> String {
    let mut out = String::from(
        r##"<nav class="side" id="side" aria-label="Contents">
<div class="filter">
<label class="visually-hidden" for="filter">Filter the actions</label>
<input id="filter" type="search" placeholder="Filter the actions" autocomplete="off" autocapitalize="off" spellcheck="false">
<kbd class="filter-key" aria-hidden="true">/</kbd>
</div>
<p class="hint" id="filter-count" role="status"></p>
"##,
    );
    for (group, entries) in groups(catalog) {
        let title = escape(group.unwrap_or("Actions"));
        out.push_str(&format!(
            "<div class=\"side-group\"><h2>{title}</h2>\n<ul>\n"
        ));
        for entry in entries {
            let version = match entry.has_versions || entry.needs_version() {
                true => format!(" <span class=\"hint\">v{}</span>", entry.action.version()),
                false => String::new(),
            };
            out.push_str(&format!(
                "<li><a href=\"#{id}\" data-action=\"{id}\"><code>{name}</code>{version}</a></li>\n",
                id = entry.id,
                name = shown_name(entry),
            ));
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str(
        r##"<div class="side-group side-protocol"><h2>The connection</h2>
<ul>
<li><a href="#verbs">What can be sent</a></li>
<li><a href="#pushes">What comes by itself</a></li>
<li><a href="#errors">Errors</a></li>
</ul></div>
<div class="side-group"><h2>For tools</h2>
<ul>
<li><a href="docs/openapi.json">OpenAPI</a></li>
<li><a href="docs/asyncapi.json">AsyncAPI</a></li>
<li><a href="stellar-client.d.ts">TypeScript</a></li>
</ul></div>
</nav>
"##,
    );
    out
}

fn intro(catalog: &Catalog<'_>) -> String {
    let engines: Vec<String> = catalog
        .channels
        .iter()
        .map(|channel| {
            let (path, engine) = (escape(&channel.path), escape(channel.transport));
            format!("<li><code>{path}</code> <span class=\"hint\">{engine}</span></li>")
        })
        .collect();
    let api = escape(&catalog.settings.api_path);
    let engines = engines.join("\n");
    format!(
        r##"<section class="intro" id="top">
<h1>{name} <span class="tag">version {version}</span></h1>
<p class="lead">What this server can be asked, and what it answers. Every form below is live: it calls over the connection of this page.</p>
<div class="pair">
<div class="card"><div class="card-head"><strong>From a page</strong></div>
<pre class="code">{page}</pre></div>
<div class="card"><div class="card-head"><strong>Ways in</strong></div>
<ul class="ways">
{engines}
<li><code>{api}</code> <span class="hint">HTTP</span></li>
</ul>
<form class="token" id="token-form" autocomplete="off" hidden>
<div class="field"><label for="token-name">Parameter</label>
<input id="token-name" value="token" autocapitalize="off" autocomplete="off" spellcheck="false" required></div>
<div class="field"><label for="token">Token</label>
<input id="token" type="password" autocomplete="off" aria-describedby="token-hint"></div>
<button type="submit" class="button">Connect with it</button>
<p class="hint" id="token-hint">For servers that want one in the query. It stays in this page.</p>
</form></div>
</div>
</section>
"##,
        name = escape(&catalog.settings.name),
        version = escape(&catalog.settings.api_version),
        page = escape(&start(catalog)),
    )
}

/// The first lines of a page that uses the server.
fn start(catalog: &Catalog<'_>) -> String {
    let first = catalog.entries.iter().find(|entry| entry.is_default);
    let call = first.map_or_else(
        || match catalog.room() {
            // Within a script no text may end it.
            Some(room) => {
                let room = json(room).replace('<', "\\u003c");
                format!("await client.roomAdd({room});")
            }
            None => "console.log(await client.detailsView());".to_owned(),
        },
        |entry| format!("const answer = {};", actions::client_call(entry)),
    );
    format!(
        "<script src=\"/stellar-client\"></script>\n<script type=\"module\">\n  const client = new \
         StellarClient();\n  await client.connect();\n  {}\n</script>",
        call.replace('\n', "\n  "),
    )
}

/// The actions by group, in order.
fn groups<'c>(catalog: &'c Catalog<'_>) -> Vec<(Option<&'c str>, Vec<&'c Entry>)> {
    let mut groups: Vec<(Option<&str>, Vec<&Entry>)> = Vec::new();
    for entry in &catalog.entries {
        let group = entry.action.group_name();
        match groups.last_mut() {
            Some((last, entries)) if *last == group => entries.push(entry),
            _ => groups.push((group, vec![entry])),
        }
    }
    groups
}

/// An action's name as text of the page; one without a name is told as what a call would send.
fn shown_name(entry: &Entry) -> String {
    match entry.action.name() {
        "" => escape(&json(&"")),
        name => escape(name),
    }
}
