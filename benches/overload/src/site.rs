//! The actions and public files of the server under attack.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use stellarfw::{
    Builder,
    actions::{Action, ActionResult, Format, Input, Params},
};

/// Duration of the slow action.
const SLEEP: Duration = Duration::from_secs(5);

/// Adds the actions and a public folder.
///
/// The folder contains `big.bin` (8 MiB, incompressible) and `text.txt` (4 MiB, compressible), and is
/// removed when dropped.
pub(crate) fn furnish(builder: Builder) -> std::io::Result<(Builder, Folder)> {
    let folder = Folder::new()?;
    let declared = Action::new("declared", async |_: Params<Value>| -> ActionResult {
        Ok(json!({}))
    })
    .input(Input::required("list"))
    .input(Input::optional("n").format(Format::Integer));
    let sleep = async |_: Params<Value>| -> ActionResult {
        tokio::time::sleep(SLEEP).await;
        Ok(json!({}))
    };
    let judged = Action::new("judged", async || -> ActionResult { Ok(json!({})) })
        .input(Input::required("list").validate("array|min:1"))
        .input(Input::optional("n").format(Format::Integer).default(1));
    let large = async || -> ActionResult { Ok(json!({ "text": "x".repeat(1 << 20) })) };
    let builder = builder
        .add_action(judged)
        .add_action(declared)
        .action("large", large)
        .action("sleep", sleep)
        .public(&folder.0);
    Ok((builder, folder))
}

/// A temporary folder of public files.
pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("stellarfw-overload-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        let folder = Self(path);
        // The output of a multiplicative generator does not compress.
        let noise = (0_u64..1 << 20).scan(1_u64, |state, _| {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            Some(state.to_be_bytes())
        });
        fs::write(
            folder.0.join("big.bin"),
            noise.flatten().collect::<Vec<_>>(),
        )?;
        let text: String = (0..250_000).map(|n| format!("the {n}th line\n")).collect();
        fs::write(folder.0.join("text.txt"), text)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
