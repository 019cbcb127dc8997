//! Streams over HTTP/2 and TLS, one or eight to a connection, compared with as many over cleartext HTTP/1.1.

use anyhow::Result;

use super::certificate::Certificate;
use super::fan_out::{self, FanOutSide};
use super::frame::{self, PublishTemplate};
use super::http2_streams::{Http2StreamsSide, StreamCounts, TlsServer};
use super::program::BenchSetup;
use super::report::provenance::Provenance;
use super::report::shared_streams::{
    EIGHT, NCHAN, NCHAN_EIGHT, ONE, ORDINARY, SharedStreamsRun, StreamMemory,
};
use super::rounds::{self, Contender, RoundSizes};
use super::servers::OwnServer;

const STREAMS: usize = 1000;
const STREAMS_PER_CONNECTION: usize = 8;

pub fn run(setup: &BenchSetup, quick: bool, about: Provenance) -> Result<SharedStreamsRun> {
    let core = setup.core();
    let rounds = if quick { 2 } else { 8 };
    let messages = if quick { 20 } else { 100 };
    let certificate = Certificate::make()?;
    let published = rounds as u64 * messages * 2;

    let ordinary = OwnServer {
        fast_path: false,
        ..OwnServer::default()
    };
    let ordinary = ordinary.start(ORDINARY, &setup.binary, core)?;
    frame::raise_ids(&ordinary, published)?;
    let frame = frame::learn_frame(&ordinary)?;
    let mut sides: Vec<Box<dyn Contender>> = Vec::new();
    let mut held = Vec::new();
    let open = |name, server, per_connection| {
        let streams = StreamCounts {
            all: STREAMS,
            per_connection,
        };
        Http2StreamsSide::open(name, server, &certificate, streams)
    };
    for (name, per_connection) in [(ONE, 1), (EIGHT, STREAMS_PER_CONNECTION)] {
        let binary = &setup.binary;
        let (server, over_tls) =
            OwnServer::default().start_with_tls(name, binary, core, &certificate)?;
        frame::raise_ids(&server, published)?;
        let publish = PublishTemplate::Message;
        let server = TlsServer {
            server,
            over_tls,
            publish,
        };
        let side = open(name, server, per_connection)?;
        held.push(StreamMemory {
            side: name.to_owned(),
            bytes_each: side.held_bytes,
        });
        sides.push(Box::new(side));
    }
    for (name, per_connection) in [(NCHAN, 1), (NCHAN_EIGHT, STREAMS_PER_CONNECTION)] {
        let Some((server, over_tls)) = fan_out::nchan_with_tls(name, core, &certificate)? else {
            println!("shared: nchan is skipped, because its module is not installed");
            break;
        };
        let publish = fan_out::data_template(&frame)?;
        let server = TlsServer {
            server,
            over_tls,
            publish,
        };
        // Its memory is not recorded: nginx reserves it for all connections when it starts.
        sides.push(Box::new(open(name, server, per_connection)?));
    }

    let publish = PublishTemplate::Message;
    let ordinary = FanOutSide::open(ORDINARY, ordinary, publish, STREAMS, setup.may_spin())?;
    sides.push(Box::new(ordinary));

    let amounts = RoundSizes {
        rounds,
        per_round: messages,
        per_slice: messages / 10,
    };
    let rounds = rounds::run_alternating(&mut sides, amounts)?;
    Ok(SharedStreamsRun {
        about,
        streams: STREAMS,
        a_connection: STREAMS_PER_CONNECTION,
        held,
        rounds,
    })
}
