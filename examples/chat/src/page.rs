//! The embedded files of the page.

use stellarfw::Embedded;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(Embedded {
            path: $path,
            bytes: include_bytes!(concat!("../public/", $path)),
        }),*]
    };
}

pub(crate) fn files() -> impl IntoIterator<Item = Embedded> {
    files![
        "css/base.css",
        "css/layout.css",
        "css/panels.css",
        "favicon.png",
        "hello.txt",
        "index.html",
        "js/actions.js",
        "js/app.js",
        "js/chat.js",
        "js/details.js",
        "js/dom.js",
        "js/events.js",
        "js/files.js",
        "js/json-view.js",
        "js/members.js",
        "js/message.js",
        "js/nav.js",
        "js/network.js",
        "js/people.js",
        "js/rooms.js",
        "js/status.js",
        "js/theme.js",
        "logo.svg",
    ]
}
