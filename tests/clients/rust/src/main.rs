//! Reads a stream with one of the libraries from crates.io, and prints each message's text as a line.
//!
//! Usage: client-readers LIBRARY URL. Both libraries reconnect automatically, with the last id.

use std::{env, io::Write as _, time::Duration};

use anyhow::{Context as _, bail};
use eventsource_client::{Client as _, ClientBuilder, ReconnectOptions, SSE};
use futures_util::StreamExt as _;
use launchdarkly_sdk_transport::HyperTransport;
use reqwest_eventsource::{Event, EventSource};

const RETRY_DELAY: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [library, url] if library == "eventsource-client" => eventsource_client(url).await,
        [library, url] if library == "reqwest-eventsource" => reqwest_eventsource(url).await,
        _ => bail!("usage: client-readers eventsource-client|reqwest-eventsource URL"),
    }
}

async fn eventsource_client(url: &str) -> anyhow::Result<()> {
    let reconnect = ReconnectOptions::reconnect(true)
        .retry_initial(true)
        .delay(RETRY_DELAY)
        .build();
    let transport = HyperTransport::builder().build_http()?;
    let client = ClientBuilder::for_url(url)?
        .reconnect(reconnect)
        .build_with_transport(transport);
    let mut events = client.stream();
    while let Some(event) = events.next().await {
        match event {
            Ok(SSE::Event(event)) if event.event_type == "message" => show(&event.data)?,
            Ok(_) => {}
            Err(error) => eprintln!("reconnects after {error}"),
        }
    }
    bail!("the library gave up")
}

async fn reqwest_eventsource(url: &str) -> anyhow::Result<()> {
    let mut events = EventSource::get(url);
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Message(event)) if event.event == "message" => show(&event.data)?,
            Ok(_) => {}
            Err(error) => eprintln!("reconnects after {error}"),
        }
    }
    bail!("the library gave up")
}

fn show(data: &str) -> anyhow::Result<()> {
    let message: serde_json::Value = serde_json::from_str(data)?;
    let text = message["text"].as_str().context("a message without text")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}
