//! Authors and texts must be visible, and an author must not look like another one.

use serde_json::json;

use crate::support::{
    client::{JSON, TestClient as _},
    response::Response,
    server::Server,
};

fn publish(server: &Server, author: &str, text: &str) -> Response {
    let draft = json!({"author": author, "text": text}).to_string();
    server
        .raw()
        .ask("POST", "/messages", &[JSON], draft.as_bytes())
}

#[test]
fn invisible_text_is_refused_with_its_field() {
    let server = Server::memory();
    for blank in [
        "\u{3164}",
        "\u{200b}",
        "\u{2800}",
        "\u{202e}",
        "\u{ad}\u{feff}",
    ] {
        publish(&server, blank, "hello").assert_problem_field(422, "author");
        publish(&server, "mina", blank).assert_problem_field(422, "text");
    }
    assert_eq!(server.poll("last=9")["messages"], json!([]));
}

#[test]
fn an_author_that_looks_like_another_is_refused() {
    let server = Server::memory();
    for look_alike in [
        "mina\u{200b}",
        "\u{202e}anim",
        "mi\u{200d}na",
        "mina\u{3164}",
    ] {
        publish(&server, look_alike, "hello").assert_problem_field(422, "author");
    }
    let name = "mina%E2%80%8B";
    server
        .get(&format!("/poll?client=a&author={name}"))
        .assert_problem_field(400, "author");
}

#[test]
fn composed_emoji_and_joiners_of_scripts_are_accepted() {
    let server = Server::memory();
    for author in [
        "\u{1F469}\u{200d}\u{1F469}\u{200d}\u{1F467}",
        "\u{645}\u{6cc}\u{200c}\u{646}\u{627}",
    ] {
        let answer = publish(&server, author, "\u{2764}\u{fe0f}");
        assert_eq!(answer.status(), 201, "{}", answer.text());
        assert_eq!(answer.json()["author"], author);
    }
}

#[test]
fn an_author_is_kept_in_its_composed_form() {
    let server = Server::memory();
    let answer = publish(&server, "Zoe\u{308}", "hello");
    assert_eq!(answer.json()["author"], "Zo\u{eb}");
}
