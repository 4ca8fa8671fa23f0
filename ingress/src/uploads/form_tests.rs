//! Forms as clients send them, well and badly.

use bytes::Bytes;
use poem::Body;

use super::Received;
use super::tests::{Inbox, chunked, file, part};
use crate::problem::{Code, Problem};

#[tokio::test]
async fn forms_are_read_as_real_clients_send_them() {
    let inbox = Inbox::new().await;
    let text = "Content-Type: text/plain";
    for (header, name) in [
        (
            "name=\"file\"; filename*=UTF-8''%C3%9Cbersicht.pdf".to_owned(),
            "Übersicht.pdf",
        ),
        (
            "filename=\"plan; name=x.txt\"; name=\"file\"".to_owned(),
            "plan; name=x.txt",
        ),
        (
            format!("name=\"file\";\r\n filename=\"a.txt\";\r\n\tfilename*=UTF-8''b.txt\r\n{text}"),
            "b.txt",
        ),
        (
            "name=\"file\"; filename=\"C:\\fakepath\\new.txt\"".to_owned(),
            "new.txt",
        ),
        (
            "name=\"file\"; filename=\"\\\\srv\\share\\new.txt\"".to_owned(),
            "new.txt",
        ),
        (
            "name=\"file\"; filename=\"\\\\\\\\srv\\\\share\\\\new.txt\"".to_owned(),
            "new.txt",
        ),
        (
            "name=\"file\"; filename*0*=UTF-8''%C3%9Cber; filename*1=\".txt\"".to_owned(),
            "Über.txt",
        ),
        (
            "name=\"file\"; filename=\"a%22b.txt\"\r\nContent-Type:".to_owned(),
            "a\"b.txt",
        ),
        (
            "name=file; filename=\"Übersicht.txt\"\r\ncontent-TYPE:text/plain\r\nContent-Transfer-Encoding: binary".to_owned(),
            "Übersicht.txt",
        ),
    ] {
        let body = format!("preamble\r\n{}--X-- \r\nepilogue", part(&header, "content"));
        for size in [1, 5, body.len()] {
            let received = inbox.form(chunked(body.clone(), size)).await.unwrap();
            assert_eq!(inbox.content(&received).await, b"content", "{header}");
            let document = received.fields.into_new_document().unwrap();
            assert_eq!(document.name.as_str(), name, "{header}");
        }
    }
}

#[tokio::test]
async fn forms_that_are_broken_or_endless_are_refused() {
    let inbox = Inbox::new().await;
    let endless = |start: &str, more: &str| {
        let chunk = Bytes::from(more.repeat(1000));
        let start = Bytes::from(start.to_owned());
        let chunks = std::iter::once(start).chain(std::iter::repeat_n(chunk, 10_000));
        Body::from_bytes_stream(futures::stream::iter(chunks.map(Ok::<_, std::io::Error>)))
    };
    let cases: [(Body, Code); 13] = [
        ("--X".into(), Code::BadMultipart),
        ("--X\r\n".into(), Code::BadMultipart),
        ("--Xyz\r\n\r\n--X--".into(), Code::BadMultipart),
        ("--X\r\n\r\ncontent\r\n--X--".into(), Code::BadMultipart),
        (
            "--X\r\nno colon\r\n\r\n\r\n--X--".into(),
            Code::BadMultipart,
        ),
        (
            part(
                "name=\"file\"; filename=a\r\nContent-Transfer-Encoding: base64",
                "eA==",
            )
            .into(),
            Code::BadMultipart,
        ),
        (
            format!("{}--X--", part("name=\"file\"; filename=\"a/b.txt\"", "x")).into(),
            Code::Invalid,
        ),
        (
            format!("{}--X--", part("name=\"file\"; filename=\"a%0D%0Ab\"", "x")).into(),
            Code::Invalid,
        ),
        (file("cut off").into(), Code::BadMultipart),
        (endless("", "preamble"), Code::TooLarge),
        (endless("--X\r\n", "Header: x\r\n"), Code::TooLarge),
        (endless("--X\r\nA: ", "\r\n folded"), Code::TooLarge),
        (
            endless(&format!("{}--X--", file("x")), "epilogue"),
            Code::TooLarge,
        ),
    ];
    for (body, code) in cases {
        let refused: Result<Received, Problem> = inbox.form(body).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    inbox.ends_empty().await;
}

/// A part of a form with any bytes.
fn bytes_part(header: &str, content: &[u8]) -> Vec<u8> {
    let header = format!("--X\r\nContent-Disposition: form-data; {header}\r\n\r\n");
    [header.as_bytes(), content, b"\r\n"].concat()
}

fn named_file() -> Vec<u8> {
    bytes_part("name=\"file\"; filename=\"a.txt\"", b"content")
}

/// The field of the name, of a type with these parameters.
fn name(parameters: &str, content: &[u8]) -> Vec<u8> {
    let header = format!("name=\"name\"\r\nContent-Type: text/plain{parameters}");
    bytes_part(&header, content)
}

/// The field that gives the charset of the form.
fn default(label: &str) -> Vec<u8> {
    bytes_part("name=\"_charset_\"", label.as_bytes())
}

#[tokio::test]
async fn a_name_in_a_field_counts_whatever_the_file_is_called_and_wherever_it_stands() {
    let inbox = Inbox::new().await;
    let name = part("name=\"name\"", "given.txt");
    let long = format!("filename=\"{}\"", "x".repeat(300));
    for bad in [
        "filename=\"\"",
        "filename=\"dir/x.txt\"",
        "filename*=UTF-8''a%00b",
        &long,
    ] {
        let file = part(&format!("name=\"file\"; {bad}"), "content");
        for body in [format!("{name}{file}--X--"), format!("{file}{name}--X--")] {
            let received = inbox.form(body).await.unwrap();
            let document = received.fields.into_new_document().unwrap();
            assert_eq!(document.name.as_str(), "given.txt", "{bad}");
        }
        let problem = inbox.form(format!("{file}--X--")).await.unwrap_err();
        assert_eq!(problem.pointers_for_tests(), ["/file"], "{bad}");
    }
    inbox.ends_empty().await;
}

#[tokio::test]
async fn fields_are_read_in_the_charset_that_is_declared() {
    let inbox = Inbox::new().await;
    let file = named_file();
    let utf8 = "Ü.txt".as_bytes();
    for (parts, expected) in [
        (
            vec![name("; charset=ISO-8859-1", b"\xdc.txt"), file.clone()],
            "Ü.txt",
        ),
        (
            vec![file.clone(), name("; charset=\"iso-8859-1\"", b"\xc3\xbc")],
            "Ã¼",
        ),
        (
            vec![name(";charset=us-ascii", b"a.txt"), file.clone()],
            "a.txt",
        ),
        (
            vec![name("; charset=utf-16", b"\xdc\0x\0"), file.clone()],
            "Üx",
        ),
        (vec![name("; charset=UTF-8", utf8), file.clone()], "Ü.txt"),
        (vec![name("", utf8), file.clone()], "Ü.txt"),
        (
            vec![default("windows-1252"), name("", b"\x80"), file.clone()],
            "€",
        ),
        (
            vec![name("", b"\x80"), file.clone(), default(" latin1 ")],
            "€",
        ),
        (
            vec![
                name("; charset=utf-8", utf8),
                file.clone(),
                default("latin1"),
            ],
            "Ü.txt",
        ),
        (vec![name("", utf8), default(""), file.clone()], "Ü.txt"),
    ] {
        let body = [parts.concat(), b"--X--".to_vec()].concat();
        let received = inbox.form(body).await.unwrap();
        let document = received.fields.into_new_document().unwrap();
        assert_eq!(document.name.as_str(), expected);
    }
    inbox.ends_empty().await;
}

#[tokio::test]
async fn a_field_that_is_not_in_its_charset_is_refused_by_its_name() {
    let inbox = Inbox::new().await;
    let (file, utf8) = (named_file(), "Ü.txt".as_bytes());
    for (parts, pointer, word) in [
        (
            vec![name("; charset=utf-32", b"a"), file.clone()],
            "/name",
            "utf-32",
        ),
        (
            vec![name("; charset=utf-8", b"\xdc"), file.clone()],
            "/name",
            "UTF-8",
        ),
        (vec![name("", b"\xdc"), file.clone()], "/name", "UTF-8"),
        (
            vec![default("klingon"), file.clone()],
            "/_charset_",
            "klingon",
        ),
        (
            vec![default("utf-16"), file.clone()],
            "/_charset_",
            "utf-16",
        ),
        (
            vec![default("utf-8"), default("utf-8"), file.clone()],
            "/_charset_",
            "once",
        ),
        (
            vec![name("", utf8), name("", utf8), file.clone()],
            "/name",
            "once",
        ),
    ] {
        let body = [parts.concat(), b"--X--".to_vec()].concat();
        let problem = inbox.form(body).await.unwrap_err();
        assert_eq!(problem.pointers_for_tests(), [pointer]);
        assert!(format!("{problem:?}").contains(word), "{word}");
    }
    inbox.ends_empty().await;
}
