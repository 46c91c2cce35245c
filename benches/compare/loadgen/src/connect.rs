//! Opening and closing connections.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use serde_json::{Value, json};
use tokio::task::spawn_local;

use crate::{
    args::ConnectArgs,
    payload::{MIN_PAYLOAD, fill_payload, new_payload},
    procstat,
    proto::{Ev, Session},
    run::{Ctl, Plan, new_hist, quantiles, worker},
    ws::Res,
};

/// Sends one message and waits for its reply.
async fn exchange(s: &mut Session, plan: &Plan, size: usize) -> Res<()> {
    let mut payload = new_payload(size);
    if size > 0 {
        fill_payload(&mut payload, 0, 0);
    }
    let mask = s.conn.mask;
    let template = plan.codec.echo_template(size > 0);
    template.write(&mut s.conn.out, mask, &payload);
    s.conn.flush().await?;
    let mut refusal = None;
    s.wait(&plan.codec, |ev| match ev {
        Ev::App(m) if plan.codec.is_error(m) => {
            refusal = Some(String::from_utf8_lossy(&m[..m.len().min(200)]).into_owned());
            true
        }
        Ev::App(m) => plan.codec.is_reply(m),
        _ => false,
    })
    .await?;
    refusal.map_or(Ok(()), |m| Err(format!("error reply: {m}")))
}

pub fn run(args: ConnectArgs, deadline: Instant) -> Res<Value> {
    if args.size > 0 && args.size < MIN_PAYLOAD {
        return Err(format!("a payload has at least {MIN_PAYLOAD} bytes"));
    }
    let plan = Plan::new(&args.c, args.count.min(args.c.connect_concurrency))?;
    let ctl = Arc::new(Ctl::default());
    let a = procstat::snap(&args.c.pid);
    let t0 = Instant::now();
    let handle = {
        let (args, plan, ctl) = (args.clone(), plan.clone(), ctl.clone());
        worker(0, move || async move {
            let hist = Rc::new(RefCell::new(new_hist()));
            let next = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..args.c.connect_concurrency.max(1))
                .map(|_| {
                    let (args, plan, ctl, next, hist) = (
                        args.clone(),
                        plan.clone(),
                        ctl.clone(),
                        next.clone(),
                        hist.clone(),
                    );
                    spawn_local(async move {
                        while next.get() < args.count && Instant::now() < deadline {
                            let i = next.get();
                            next.set(i + 1);
                            let t = Instant::now();
                            let r = async {
                                let mut s = plan.open(i).await?;
                                if args.first {
                                    exchange(&mut s, &plan, args.size).await?;
                                }
                                hist.borrow_mut()
                                    .saturating_record(t.elapsed().as_nanos() as u64);
                                s.conn.close().await
                            };
                            match r.await {
                                Ok(()) => {
                                    ctl.count.fetch_add(1, Relaxed);
                                }
                                Err(e) => ctl.error(e),
                            }
                        }
                    })
                })
                .collect();
            for t in tasks {
                t.await.expect("no panics");
            }
            hist.replace(new_hist())
        })
    };
    let hist = handle.join().map_err(|_| "worker died")?;
    let b = procstat::snap(&args.c.pid);
    let secs = t0.elapsed().as_secs_f64();
    let n = ctl.count.load(Relaxed);
    Ok(json!({
        "mode": "connect", "first": args.first, "count": n, "secs": procstat::round(secs, 3),
        "per_s": (n as f64 / secs).round(),
        "open_lat_us": quantiles(&hist),
        "server": procstat::server(&a, &b, secs, n, "conn"),
        "around": procstat::around(&a, &b, secs),
        "errors": ctl.errors(),
    }))
}
