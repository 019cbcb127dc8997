//! `GET /openapi.json`: the document matches the server.

use std::{collections::BTreeSet, fs, path::Path};

use boon::{Compiler, Schemas};
use serde_json::{Map, Value, json};

use crate::support::{
    client::TestClient as _,
    raw_connection::{RawConnection, request},
    response::Response,
    server::Server,
};

const DOCUMENT: &str = "http://test/openapi.json";
const METHODS: [&str; 6] = ["get", "head", "post", "put", "delete", "patch"];

fn document() -> Value {
    Server::memory().get("/openapi.json").ok()
}

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(path).expect("readable")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// `value`, or the value that its `$ref` refers to.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("within the document");
            document.pointer(pointer).expect(reference)
        }
    }
}

/// Each operation as its path, method and object, including the parameters of its path.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for method in METHODS.into_iter().filter(|it| !item[*it].is_null()) {
            let mut operation = item[method].clone();
            let own = operation["parameters"].as_array().cloned();
            let shared = item["parameters"].as_array().cloned();
            let all: Vec<Value> = shared.into_iter().chain(own).flatten().collect();
            operation["parameters"] = all
                .iter()
                .map(|parameter| resolve(document, parameter).clone())
                .collect();
            operations.push((path.clone(), method.to_uppercase(), operation));
        }
    }
    operations
}

/// Validates values against schemas of the document.
struct Validator {
    document: Value,
}

impl Validator {
    fn check(&self, pointer: &str, value: &Value, what: &str) {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        compiler
            .add_resource(DOCUMENT, self.document.clone())
            .expect("a document");
        let schema = compiler.compile(&format!("{DOCUMENT}#{pointer}"), &mut schemas);
        let schema = schema.unwrap_or_else(|error| panic!("{what}: {error:#}"));
        if let Err(error) = schemas.validate(value, schema) {
            panic!("{what}: {error:#}\n{value}");
        }
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The routes in a source file's calls of these functions.
fn addresses(source: &str, functions: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for function in functions {
        for rest in source.split(&format!("{function}(")).skip(1) {
            if let Some(address) = rest.trim_start().strip_prefix('"') {
                let address = address.split('"').next().expect("a text");
                if address.starts_with('/') {
                    found.insert(address.to_owned());
                }
            }
        }
    }
    found
}

#[test]
fn the_document_has_the_routes_of_the_router_and_of_api_md() {
    let document = document();
    let paths: BTreeSet<String> = object(&document["paths"]).keys().cloned().collect();
    let mut routed = addresses(
        &source("src/server/http/routes.rs"),
        &["readable", "resource"],
    );
    routed.insert("/".to_owned());
    assert_eq!(paths, routed);
    let documented = source("docs/api.md");
    for path in &paths {
        assert!(
            documented.contains(&format!("`{path}`")),
            "{path} is not in api.md"
        );
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_document_has_the_methods_of_each_route() {
    let server = Server::memory();
    let document = document();
    for (path, item) in object(&document["paths"]) {
        for method in METHODS {
            let mut connection = server.raw();
            connection.send(request(&method.to_uppercase(), path, &[], b""));
            let status = connection.head().expect("a head").status;
            let is_there = !item[method].is_null();
            assert_eq!(status == 405, !is_there, "{method} {path}: {status}");
        }
    }
}

/// The names in the arms of a `match` on parameters, each as `"name" => `.
fn arms(source: &str) -> BTreeSet<String> {
    let lines = source.lines().map(str::trim);
    let names = lines.filter_map(|line| line.strip_prefix('"')?.split_once("\" => "));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_document_has_the_parameters_of_readers() {
    let document = document();
    let mut read = arms(&source("src/server/delivery/read_query.rs"));
    read.insert("ticket".to_owned());
    let mut documented = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        if method == "GET" && (path == "/poll" || path == "/stream") {
            let parameters = operation["parameters"].as_array().expect("a list").clone();
            let queried = parameters.into_iter().filter(|it| it["in"] == "query");
            documented.extend(queried.map(|it| it["name"].as_str().expect("a name").to_owned()));
        }
    }
    assert_eq!(documented, read);
}

#[test]
fn the_documents_examples_match_its_schemas() {
    let document = document();
    let validator = Validator {
        document: document.clone(),
    };
    let mut checked = 0;
    visit(&document, "", &mut |pointer, value| {
        if value["schema"].is_null() {
            return;
        }
        let named = value["examples"].as_object().into_iter().flatten();
        let named = named.map(|(_, example)| &example["value"]);
        for example in value.get("example").into_iter().chain(named) {
            validator.check(&format!("{pointer}/schema"), example, pointer);
            checked += 1;
        }
    });
    assert!(checked > 40, "{checked}");
}

fn visit(value: &Value, pointer: &str, act: &mut impl FnMut(&str, &Value)) {
    act(pointer, value);
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                visit(value, &format!("{pointer}/{}", escape(key)), act);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                visit(value, &format!("{pointer}/{index}"), act);
            }
        }
        _ => {}
    }
}

/// The request that the examples of an operation make.
fn example_request(document: &Value, path: &str, method: &str, operation: &Value) -> Vec<u8> {
    let mut query = Vec::new();
    let mut headers = Vec::new();
    for parameter in operation["parameters"].as_array().expect("a list") {
        let name = parameter["name"].as_str().expect("a name");
        let named = &parameter["examples"]["several"]["value"];
        if let Some(values) = named.as_array() {
            let values = values.iter().map(|it| it.as_str().expect("a text"));
            query.extend(values.map(|text| format!("{name}={text}")));
            continue;
        }
        let text = match &parameter["example"] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match parameter["in"].as_str() {
            Some("query") => query.push(format!("{name}={text}")),
            _ => headers.push((name.to_owned(), text)),
        }
    }
    let target = match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", query.join("&")),
    };
    let body = resolve(document, &operation["requestBody"]);
    let content = &body["content"]["application/json"];
    let body = match content.is_null() {
        true => String::new(),
        false => {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
            content["example"].to_string()
        }
    };
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    request(method, &target, &headers, body.as_bytes())
}

fn check_answer(validator: &Validator, path: &str, method: &str, answer: &Response) {
    let what = format!("{method} {path}: {}", answer.status());
    let method = method.to_lowercase();
    let status = answer.status().to_string();
    let documented = &validator.document["paths"][path][&method]["responses"][&status];
    assert!(
        !documented.is_null(),
        "{what} is not in the document: {}",
        answer.text()
    );
    let documented = resolve(&validator.document, documented);
    for (name, header) in documented["headers"].as_object().into_iter().flatten() {
        let is_required = resolve(&validator.document, header)["required"] == true;
        assert!(
            !is_required || answer.header(name).is_some(),
            "{what}: {name}"
        );
    }
    if answer.body.is_empty() {
        return;
    }
    let kind = answer.header("content-type").expect("a type");
    let kind = kind.split(';').next().expect("a type");
    assert!(!documented["content"][kind].is_null(), "{what}: {kind}");
    if !kind.ends_with("json") {
        return;
    }
    let reference = &validator.document["paths"][path][&method]["responses"][&status]["$ref"];
    let pointer = match reference.as_str() {
        Some(reference) => reference.trim_start_matches('#').to_owned(),
        None => format!("/paths/{}/{method}/responses/{status}", escape(path)),
    };
    let pointer = format!("{pointer}/content/{}/schema", escape(kind));
    validator.check(&pointer, &answer.json(), &what);
}

#[test]
fn the_documents_examples_are_answered_as_documented() {
    let server = Server::memory();
    let validator = Validator {
        document: document(),
    };
    // Needed by the examples: a message, a reader with a trace, and one with a stream.
    server.publish(&json!({"author": "mina", "text": "hello"}));
    server.get("/poll?client=tab-1&trace=1").ok();
    let _events = server.stream("client=tab-1");
    let mut succeeded = BTreeSet::new();
    for (path, method, operation) in operations(&validator.document) {
        let mut connection: RawConnection = server.raw();
        connection.send(example_request(
            &validator.document,
            &path,
            &method,
            &operation,
        ));
        let answer = if path == "/stream" {
            let head = connection.head().expect("a head");
            let body = Vec::new();
            Response { head, body }
        } else {
            connection.answer(&method).expect("an answer")
        };
        check_answer(&validator, &path, &method, &answer);
        if answer.status() < 400 {
            succeeded.insert(path);
        }
    }
    // Without tokens, the server has no tickets.
    let all: BTreeSet<String> = object(&validator.document["paths"])
        .keys()
        .cloned()
        .collect();
    let failed: Vec<&String> = all.difference(&succeeded).collect();
    assert_eq!(failed, ["/tickets"]);
}

#[test]
fn the_documents_problems_are_those_of_the_server() {
    let server = Server::memory();
    let validator = Validator {
        document: document(),
    };
    let json = ("Content-Type", "application/json");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, &str, &str, Headers<'_>, &[u8]); 12] = [
        ("GET", "/poll", "?limit=0", &[], b""),
        ("GET", "/stream", "?room=a%20b", &[], b""),
        ("GET", "/presence", "?room=a%20b", &[], b""),
        ("GET", "/ledger", "?client=nobody", &[], b""),
        ("GET", "/trace", "?client=nobody", &[], b""),
        ("GET", "/trace", "", &[], b""),
        ("GET", "/plan", "?clients=0", &[], b""),
        ("POST", "/messages", "", &[json], b"{"),
        ("POST", "/messages", "", &[json], b"{}"),
        ("POST", "/messages", "", &[], b"{}"),
        ("POST", "/messages", "", &[json], &[b' '; 70_000]),
        (
            "PUT",
            "/presence/along",
            "",
            &[json],
            br#"{"client": "x", "along": []}"#,
        ),
    ];
    for (method, path, query, headers, body) in cases {
        let target = format!("{path}{query}");
        let answer = server.raw().ask(method, &target, headers, body);
        assert!(answer.status() >= 400, "{method} {target}");
        check_answer(&validator, path, method, &answer);
    }
}
