//! Three NATS servers with three replicas of the stream: it survives the loss of one server, but not of two.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::Duration,
};

use async_nats::jetstream;
use poll_vs_sse_server::{
    config::{Config, StoreChoice},
    log::store::nats::Options,
};
use serde_json::{Value, json};

use crate::support::{
    client::{TestClient, cursor},
    eventually,
    nats_nodes::{NatsServer, cluster},
    server::Server,
};

const REPLICAS: usize = 3;

struct Cluster {
    nodes: [NatsServer; REPLICAS],
    options: Options,
}

impl Cluster {
    fn start() -> Self {
        let nodes = cluster();
        let servers: Vec<String> = nodes.iter().map(NatsServer::url).collect();
        let options = Options {
            replicas: REPLICAS,
            ..Options::new(&servers.join(","))
        };
        Self { nodes, options }
    }

    fn server(&self) -> Server {
        Server::start(Config {
            store: StoreChoice::Nats(Box::new(self.options.clone())),
            // The nodes take some time to form the cluster.
            wait_for_store: true,
            ..Config::default()
        })
    }

    /// The index of the stream's leader.
    fn leader(&self) -> usize {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let url = self.nodes[0].url();
        let info = runtime.block_on(async {
            let client = async_nats::connect(url).await.expect("connects");
            let stream = jetstream::new(client).get_stream("chat").await;
            stream.expect("a stream").cached_info().clone()
        });
        let leader = info.cluster.and_then(|cluster| cluster.leader);
        let name = leader.expect("a leader");
        name.trim_start_matches('n')
            .parse::<usize>()
            .expect("n1 to n3")
            - 1
    }
}

/// The results that a publisher received for its messages.
#[derive(Default)]
struct PublishResults {
    acknowledged: Vec<Value>,
    /// Texts that were reported as certainly not published.
    failed: Vec<String>,
}

fn publish(server: &impl TestClient, text: &str, results: &mut PublishResults) {
    let answer = server.publish(&json!({"author": "mina", "text": text}));
    match answer.status() {
        201 => results.acknowledged.push(answer.json()),
        503 if !answer.text().contains("did not confirm") => results.failed.push(text.to_owned()),
        503 => {}
        _ => panic!("{}", answer.text()),
    }
}

/// All messages of the lobby, read from `server`.
fn whole_log(server: &Server) -> Vec<Value> {
    let (mut all, mut place) = (Vec::new(), None);
    loop {
        let query = match &place {
            Some(place) => format!("limit=1000&cursor={place}"),
            None => "last=1000&limit=1000".to_owned(),
        };
        let answer = server.poll(&query);
        all.extend(answer["messages"].as_array().expect("a list").clone());
        if answer["more"] == false {
            return all;
        }
        place = Some(cursor(&answer).to_owned());
    }
}

fn assert_kept(log: &[Value], results: &PublishResults) {
    for message in &results.acknowledged {
        let found = log.iter().filter(|other| other["text"] == message["text"]);
        assert_eq!(found.collect::<Vec<_>>(), [message]);
    }
    for text in &results.failed {
        assert!(
            log.iter().all(|message| message["text"] != **text),
            "{text} was reported as failed"
        );
    }
    assert!(
        log.windows(2)
            .all(|two| two[0]["id"].as_u64() < two[1]["id"].as_u64()),
        "in order"
    );
}

#[test]
fn no_message_is_lost_when_the_leader_is_killed() {
    let mut cluster = Cluster::start();
    let servers = [cluster.server(), cluster.server()];
    servers[0].publish_text("lobby", "first");
    let streams = servers.each_ref().map(|server| server.stream("last=0"));
    let leader = cluster.leader();
    let killed = AtomicBool::new(false);
    let results = thread::scope(|scope| {
        let publishers = [0, 1].map(|n| {
            let (server, killed) = (&servers[n], &killed);
            scope.spawn(move || {
                let mut results = PublishResults::default();
                let mut after = 0;
                for i in 0.. {
                    publish(server, &format!("{n}.{i}"), &mut results);
                    after += usize::from(killed.load(SeqCst));
                    if after == 60 {
                        break;
                    }
                }
                results
            })
        });
        eventually("messages are published", || {
            servers[0].cost("publish")["messages"].as_u64() > Some(40)
        });
        cluster.nodes[leader].kill();
        killed.store(true, SeqCst);
        publishers.map(|publisher| publisher.join().expect("publishes"))
    });
    cluster.nodes[leader].resume();
    let last = servers[0].publish_text("lobby", "last");
    let log = whole_log(&servers[0]);
    for results in &results {
        assert!(
            results.acknowledged.len() > 40,
            "{}",
            results.acknowledged.len()
        );
        assert_kept(&log, results);
    }
    for (server, mut stream) in servers.iter().zip(streams) {
        stream.connection.read_timeout(Duration::from_secs(20));
        assert_eq!(stream.messages(log.len() - 1), log[1..]);
        let target = format!("cursor={}", cursor(&last));
        assert_eq!(server.poll(&target)["reset"], Value::Null);
        assert_eq!(whole_log(server), log);
    }
}

#[test]
fn without_a_majority_nothing_is_published() {
    let cluster = Cluster::start();
    let server = cluster.server();
    let before = server.publish_text("lobby", "before");
    let mut stream = server.stream("last=1");
    assert_eq!(stream.message(), before);
    let leader = cluster.leader();
    let followers: Vec<&NatsServer> = (0..REPLICAS)
        .filter(|&n| n != leader)
        .map(|n| &cluster.nodes[n])
        .collect();
    for follower in &followers {
        follower.freeze();
    }
    eventually("the store is known to be unavailable", || {
        server.get("/readyz").status() == 503
    });
    let mut results = PublishResults::default();
    thread::scope(|scope| {
        let others = ["a", "b"].map(|text| {
            let server = &server;
            scope.spawn(move || {
                let mut results = PublishResults::default();
                publish(server, text, &mut results);
                results
            })
        });
        for other in others {
            results
                .failed
                .extend(other.join().expect("publishes").failed);
        }
    });
    assert_eq!(results.failed, ["a", "b"], "{}", server.lines.text());
    for follower in &followers {
        follower.thaw();
    }
    let mut after = Value::Null;
    eventually("the store takes messages again", || {
        let answer = server.publish(&json!({"author": "mina", "text": "after"}));
        after = answer.json();
        answer.status() == 201
    });
    assert_eq!(stream.message(), after);
    assert_kept(&whole_log(&server), &results);
    assert_eq!(whole_log(&server), [before, after]);
}
