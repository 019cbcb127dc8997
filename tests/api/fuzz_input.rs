//! The fuzzer's input: pieces of valid requests, frames, queries, tokens and bodies, combined at random.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

use crate::{
    http2_attacks::{PREFACE, frame, get},
    support::signer::{Signer, encode, now},
};

pub const SECRET: &str = "a secret of more than thirty-two bytes";

/// Pieces of requests, valid and invalid.
const PIECES: [&[u8]; 40] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"OPTIONS ",
    b"/poll",
    b"/stream",
    b"/messages",
    b"/ledger",
    b"/metrics",
    b"/",
    b"?",
    b"&",
    b"=",
    b"room=",
    b"cursor=",
    b"last=",
    b"wait=0.01",
    b"limit=",
    b"client=",
    b"a-1",
    b"%ff",
    b"%00",
    b" HTTP/1.1",
    b" HTTP/1.0",
    b"\r\n",
    b"\r\n\r\n",
    b"Host: x",
    b"Content-Length: 5",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked",
    b"5\r\n",
    b"0\r\n\r\n",
    b"Content-Type: application/json",
    b"{\"author\":\"m\",\"text\":\"x\"}",
    b"\"",
    b"Idempotency-Key: k",
    b"If-None-Match: *",
    b"Last-Event-ID: ",
    b"Expect: 100-continue",
    b":",
];

pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => select(PIECES.as_slice()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 1..12),
    ];
    let pieces = vec(piece, 1..25).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 1 => vec(any::<u8>(), 0..400)]
}

/// A request with one byte changed, removed or added.
pub fn almost_requests() -> impl Strategy<Value = Vec<u8>> {
    let body = r#"{"author":"m","text":"x"}"#;
    let publish = format!(
        "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let poll = "GET /poll?room=a&cursor=abc-1&limit=5&client=me HTTP/1.1\r\nHost: x\r\n\
                If-None-Match: \"abc-1\"\r\n\r\n";
    let whole = select(vec![publish.into_bytes(), poll.as_bytes().to_vec()]);
    almost(whole)
}

/// A value of `whole` with one byte changed, removed or added.
fn almost(whole: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..3);
    (whole, change).prop_map(|(mut bytes, (at, byte, change))| {
        if bytes.is_empty() {
            return bytes;
        }
        let at = at.index(bytes.len());
        match change {
            0 => bytes[at] = byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, byte),
        }
        bytes
    })
}

/// The bytes of an HTTP/2 connection: requests and random frames, sometimes with one byte changed.
pub fn http2_bytes() -> impl Strategy<Value = Vec<u8>> {
    let target = select(vec![
        "/poll?last=1",
        "/poll?limit=0",
        "/ledger",
        "/nowhere",
        "/messages",
        "*",
        "",
    ]);
    let payload = prop_oneof![
        2 => target.clone().prop_map(get),
        1 => vec(any::<u8>(), 0..64),
        1 => vec(any::<u8>(), 5..=6),
        1 => Just(vec![0; 8]),
    ];
    let flags = select(vec![0, 1, 4, 5, 0x20, 0x25, 0xff]);
    let any_frame = (0..11_u8, flags, 0..6_u32, payload)
        .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload));
    // The flag tells whether the bytes are a header block for the next stream instead of a whole frame.
    let frames = prop_oneof![
        4 => target.prop_map(|target| (true, get(target))),
        1 => any_frame.prop_map(|frame| (false, frame)),
    ];
    let hello = [PREFACE, &frame(4, 0, 0, &[])].concat();
    let whole = vec(frames, 0..8).prop_map(move |frames| {
        let mut bytes = hello.clone();
        let mut stream = 1;
        for (is_request, content) in frames {
            if is_request {
                bytes.extend(frame(1, 5, stream, &content));
                stream += 2;
            } else {
                bytes.extend(content);
            }
        }
        bytes
    });
    let whole = whole.boxed();
    prop_oneof![3 => whole.clone(), 1 => almost(whole)]
}

/// The target of a GET.
pub fn targets() -> impl Strategy<Value = String> {
    let route = select(vec![
        "/poll",
        "/stream",
        "/presence",
        "/ledger",
        "/trace",
        "/metrics",
        "/plan",
        "/openapi.json",
    ]);
    let name = select(vec![
        "room",
        "cursor",
        "last",
        "limit",
        "client",
        "presence",
        "trace",
        "heartbeat",
        "ticket",
        "fault",
        "fault_key",
        "connection",
        "clients",
        "rate",
        "x",
    ]);
    let value = prop_oneof![
        3 => select(vec![
            "lobby", "a-1", "none", "0", "1", "1000", "-1", "18446744073709551616", "1e9", "NaN", "%00", "%ff",
            "%F0%9F%98%80", "a%20b", "close", "1~2", "~", "",
        ]).prop_map(str::to_owned),
        1 => "[!-~&&[^ #]]{0,40}",
        1 => "[a-z0-9]{1,8}-[0-9]{1,20}",
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    // A valid wait must be short, or the test takes long.
    let wait = select(vec![
        "wait=0",
        "wait=0.01",
        "wait=-1",
        "wait=61",
        "wait=",
        "wait=1e1",
    ]);
    let wait = wait.prop_map(str::to_owned);
    let pairs = vec(prop_oneof![8 => pair, 1 => wait], 0..8);
    let rooms = (0..70_usize).prop_map(|n| (0..n).map(|i| format!("room=r{i}")).collect());
    let pairs = prop_oneof![9 => pairs, 1 => rooms];
    (route, pairs)
        .prop_map(|(route, pairs): (_, Vec<String>)| format!("{route}?{}", pairs.join("&")))
}

/// Header fields that identify the client or its place in the log.
pub fn fields() -> impl Strategy<Value = Vec<u8>> {
    let name = select(vec![
        "Forwarded",
        "X-Forwarded-For",
        "Origin",
        "Host",
        "Cookie",
        "Authorization",
        "If-None-Match",
        "Last-Event-ID",
        "Accept",
        "Access-Control-Request-Method",
        "Sec-Fetch-Site",
        "Idempotency-Key",
    ]);
    let value = prop_oneof![
        3 => select(vec![
            "for=192.0.2.1", "for=\"[2001:db8::1]:443\";proto=https", "for=", "for=\"", "192.0.2.1, 10.0.0.1",
            "https://chat.example", "null", "https://", "poll_vs_sse_token=", "Bearer", "Bearer a.b.c", "*", "W/\"",
        ]).prop_map(|it| it.as_bytes().to_vec()),
        // Bytes that are valid in a field, and some that are not.
        2 => vec(prop_oneof![8 => 0x20..=0x7e_u8, 2 => 0x80..=0xff_u8, 1 => Just(b'\t')], 0..80),
    ];
    let line =
        (name, value).prop_map(|(name, value)| [name.as_bytes(), b": ", &value, b"\r\n"].concat());
    vec(line, 1..6).prop_map(|lines| lines.concat())
}

/// A token that must be refused, or that has unusual claims.
pub fn tokens() -> impl Strategy<Value = String> {
    let claim = prop_oneof![
        Just(json!(null)),
        Just(json!(-1)),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        Just(json!("")),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"read": ["*"]})),
        Just(json!({"read": ["a*b", 1]})),
        Just(json!(now())),
        Just(json!("x".repeat(300))),
        Just(json!({"read": {"a": [[]]}})),
    ];
    let claims = prop::collection::btree_map("exp|nbf|sub|aud|iss|rooms", claim, 0..6);
    let head = select(vec![
        json!({}),
        json!({"alg": "none"}),
        json!({"alg": "RS256"}),
        json!({"alg": 1}),
        json!({"kid": "x"}),
        json!({"kid": null, "crit": ["exp"]}),
        json!({"typ": []}),
    ]);
    let signed = (claims, head)
        .prop_map(|(claims, head)| Signer::secret(SECRET).sign(&json!(claims), &head));
    let valid = Signer::secret(SECRET).token(&json!({"read": ["lobby"]}));
    let changed = almost(Just(valid.into_bytes()))
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).replace(|it: char| it.is_control(), "_"));
    let parts =
        vec(vec(any::<u8>(), 0..40).prop_map(encode), 0..5).prop_map(|parts| parts.join("."));
    prop_oneof![2 => signed, 2 => changed, 1 => parts, 1 => "[!-~]{0,100}"]
}

/// The body of a publish or of another request with JSON.
pub fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let draft = json!({"room": "lobby", "author": "mina", "text": "hello"}).to_string();
    let along = json!({"leader": "a", "clients": ["b", "c"]}).to_string();
    let whole = select(vec![draft, along, "{}".to_owned(), "[]".to_owned()]);
    let changed = almost(whole.prop_map(String::into_bytes));
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        any::<f64>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        ".{0,20}".prop_map(|it| json!(it)),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|it| json!(it)),
            prop::collection::btree_map("room|author|text|clients|leader|.{0,3}", inner, 0..4)
                .prop_map(|it| json!(it)),
        ]
    });
    let deep = (1..2000_usize).prop_map(|depth| "[".repeat(depth).into_bytes());
    let escapes = select(vec![
        r#"{"author":"m","text":"\ud800"}"#,
        r#"{"author":"m","text":"\u0000"}"#,
        r#"{"author":"m","text":"\x"}"#,
        "\u{feff}{}",
        r#"{"author":"m","author":"n","text":"x"}"#,
        r#"{"author":"m","text":1e999}"#,
    ]);
    prop_oneof![
        3 => changed,
        2 => value.prop_map(|it| it.to_string().into_bytes()),
        1 => deep,
        1 => escapes.prop_map(|it| it.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..200),
    ]
}
