//! `stellarfw serve`

use clap::Args;
use stellarfw::Stellar;

use crate::{Failure, check, log::Log, settings::Settings};

#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    log: Log,
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let loaded = self.settings.load()?;
        let log = self.log.start(&loaded)?;
        for variable in loaded.origins.unknown_variables() {
            tracing::warn!("{variable}");
        }
        let settings = self.settings;
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async {
            // The builder reports its errors itself.
            check::report(&check::files(&loaded))?;
            let stellar = Stellar::builder()
                .config(loaded.config.clone())
                .on_reload(move || {
                    // Other settings take effect after a restart.
                    let loaded = settings.load().map_err(|error| error.to_string())?;
                    log.change(&loaded)?;
                    Ok(())
                })
                .build()
                .await
                .map_err(|error| check::build_error(&loaded, &error))?;
            let config = stellar.config();
            let transports = config.transports.join(", ");
            let integrity = stellar.client_integrity();
            for note in check::unused_engines(&loaded, &config.transports) {
                tracing::warn!("{note}");
            }
            if config.public.is_empty() {
                tracing::info!("no public folder: neither --public nor the setting names one");
            }
            stellar
                .serve_configured(|listeners| {
                    for listener in listeners {
                        tracing::info!(address = %listener, %transports, "listening");
                        println!("Listening on {listener}");
                    }
                    println!("Transport: {transports}");
                    println!("Client script: /stellar-client, integrity {integrity}");
                    println!("Ctrl-C stops.");
                })
                .await?;
            println!("Stopped.");
            Ok(())
        })
    }
}
