//! The playground over HTTP, before a server that stands for the deployed API.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use networks::{WebhookRequest, standard_webhooks};
use serde_json::{Value, json};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA";

/// A request that reached the stand-in.
#[derive(Clone, Debug)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers the first webhook with 503, later ones with 200, and any other path with a page that sets
/// two cookies and links to the shop.
#[derive(Clone, Default)]
struct StandIn(Arc<Mutex<Vec<Received>>>);

impl StandIn {
    fn received(&self) -> Vec<Received> {
        self.0.lock().unwrap().clone()
    }
}

async fn answer(State(seen): State<StandIn>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.to_string();
    let is_first = seen.received().is_empty();
    seen.0.lock().unwrap().push(Received { path: path.clone(), headers, body });
    if path.starts_with("/webhooks/") {
        return if is_first { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }.into_response();
    }
    let mut headers = HeaderMap::new();
    headers.append(header::SET_COOKIE, "a=1; Path=/".parse().unwrap());
    headers.append(header::SET_COOKIE, "b=2; Path=/".parse().unwrap());
    headers.append(header::CONTENT_TYPE, "text/html; charset=utf-8".parse().unwrap());
    headers.append(header::LOCATION, "https://acme.example/checkout?items=a:1".parse().unwrap());
    (StatusCode::SEE_OTHER, headers, "<a href=\"https://acme.example/p/canyon-mug\">mug</a>").into_response()
}

struct House {
    app: App,
    url: String,
    deployed: StandIn,
    deployed_url: String,
    http: reqwest::Client,
    _data: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        crate::install_tls();
        let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo");
        let text = std::fs::read_to_string(demo.join("storefront.toml")).unwrap();
        let storefront = crate::storefront::parse("demo", &text).unwrap();
        let data = tempfile::tempdir().unwrap();
        let (url, listener) = listen().await;
        let app: App = Arc::new(Playground::open(storefront, &url, &demo, &demo, data.path()).unwrap());
        app.seed_timeline().unwrap();
        app.set_doing("building the functions");
        tokio::spawn(serve(Arc::clone(&app), vec![listener]));
        let (deployed_url, listener) = listen().await;
        let deployed = StandIn::default();
        let router = Router::new().fallback(answer).with_state(deployed.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self { app, url, deployed, deployed_url, http, _data: data }
    }

    /// The deployed API is up. The tables are not: nothing here reads them.
    fn is_up(&self) {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .build();
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(config);
        self.app.set_stack(Stack {
            api_url: self.deployed_url.clone(),
            http: self.http.clone(),
            webhook_secrets: vec![Secret::new(SECRET)],
            network: self.app.network.clone(),
            links: Links::new(dynamodb.clone(), "links"),
            carts: Carts::new(dynamodb, "carts"),
        });
        tokio::spawn(deliver_all(Arc::clone(&self.app)));
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    async fn post(&self, body: Value) -> reqwest::Response {
        self.http.post(format!("{}/api/posts", self.url)).json(&body).send().await.unwrap()
    }

    /// Our reply, signed with `secret`.
    async fn reply(&self, secret: &str, id: &str, to: &str) -> reqwest::Response {
        let body =
            json!({ "type": "reply.created", "data": { "in_reply_to": to, "text": "Done!" } }).to_string();
        let key = standard_webhooks::key(&Secret::new(secret)).unwrap();
        let mut request = self.http.post(format!("{}/network/replies", self.url));
        for (name, value) in standard_webhooks::sign(&key, id, now(), body.as_bytes()) {
            request = request.header(name, value);
        }
        request.body(body).send().await.unwrap()
    }
}

async fn listen() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

/// Asks until there is an answer.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "it never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn until_it_is_up_it_shows_the_page_and_says_what_it_does() {
    let house = House::open().await;
    let ready = house.get("/api/ready").await;
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["doing"], "building the functions");
    assert_eq!(house.post(json!({ "author": "alice", "text": "hi" })).await.status(), 503);
    assert_eq!(house.get("/cart").await.status(), 503);
    let page = house.get("/").await;
    assert!(page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'self'"));
    for path in ["/playground/app.js", "/playground/style.css", "/pictures/canyon-mug.png"] {
        assert_eq!(house.get(path).await.status(), 200, "{path}");
    }
    house.is_up();
    assert_eq!(house.get("/api/ready").await.status(), 200);
}

#[tokio::test]
async fn a_post_is_delivered_signed_until_it_is_taken_and_answered_once() {
    let house = House::open().await;
    house.is_up();
    let posted = house
        .post(json!({ "author": "@Alice", "text": "@acme #AcmeCart x2", "in_reply_to": "acme-mug" }))
        .await;
    assert_eq!(posted.status(), 201);
    let id = posted.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    let shown = |delivery: &'static str| {
        let (house, id) = (&house, id.clone());
        async move || {
            let posts = house.json("/api/posts").await;
            let post = posts.as_array().unwrap().iter().find(|post| post["id"] == id.as_str()).cloned();
            post.filter(|post| post["delivery"] == delivery)
        }
    };
    let post = until(shown("delivered")).await;
    assert_eq!(post["author"], "alice");
    let received = house.deployed.received();
    assert_eq!(received.len(), 2, "once more after the 503");
    for attempt in &received {
        assert_eq!(attempt.path, "/webhooks/generic");
        let request = WebhookRequest {
            method: &Method::POST,
            headers: &attempt.headers,
            query: "",
            body: &attempt.body,
        };
        let verified = standard_webhooks::verify(&request, &[Secret::new(SECRET)], now()).unwrap();
        assert_eq!(verified.delivery_id, Some(format!("posted-{id}")));
        let event: Value = serde_json::from_slice(&attempt.body).unwrap();
        assert_eq!(event["type"], "post.created");
        assert_eq!(event["data"]["author"]["id"], "alice");
        assert!(event["data"]["in_reply_to"]["text"].as_str().unwrap().contains("canyon-mug"));
    }

    assert_eq!(house.reply("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "r1", &id).await.status(), 401);
    assert_eq!(house.reply(SECRET, "r1", &id).await.status(), 201);
    assert_eq!(house.reply(SECRET, "r1", &id).await.status(), 201);
    assert_eq!(house.reply(SECRET, "r2", "nowhere").await.status(), 404);
    let posts = house.json("/api/posts").await;
    let answers: Vec<&Value> =
        posts.as_array().unwrap().iter().filter(|post| post["in_reply_to"] == id.as_str()).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["kind"], "answer");

    let path = format!("{}/api/posts/{id}", house.url);
    assert_eq!(house.http.delete(&path).send().await.unwrap().status(), 204);
    assert_eq!(house.http.delete(&path).send().await.unwrap().status(), 404);
    let deleted = until(async || house.deployed.received().into_iter().nth(2)).await;
    let event: Value = serde_json::from_slice(&deleted.body).unwrap();
    assert_eq!((&event["type"], &event["data"]["id"]), (&json!("post.deleted"), &json!(id)));
    assert_eq!(house.reply(SECRET, "r3", &id).await.status(), 404, "nobody answers a deleted post");
}

#[tokio::test]
async fn bad_posts_are_refused_with_one_sentence() {
    let house = House::open().await;
    house.is_up();
    for (body, status, names) in [
        (json!({ "author": "zoe", "text": "hi" }), 400, "alice"),
        (json!({ "author": "alice", "text": " " }), 400, "text"),
        (json!({ "author": "alice" }), 400, "text"),
        (json!({ "author": "alice", "text": "x".repeat(5001) }), 400, "text"),
        (json!({ "author": "alice", "text": "hi", "in_reply_to": "nowhere" }), 404, "in_reply_to"),
    ] {
        let answer = house.post(body.clone()).await;
        assert_eq!(answer.status(), status, "{body}");
        let error = answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(names), "{error}");
    }
    assert!(house.deployed.received().is_empty());
}

#[tokio::test]
async fn the_deployed_api_is_behind_the_same_port() {
    let house = House::open().await;
    house.is_up();
    let body: Vec<u8> = (0..=255).collect();
    let request = house.http.post(format!("{}/cart/edit?a=%2F&a=b", house.url)).header("cookie", "s=1; t=2");
    let answer = request.body(body.clone()).send().await.unwrap();
    let received = house.deployed.received().remove(0);
    assert_eq!(received.path, "/cart/edit?a=%2F&a=b");
    assert_eq!(received.body, body);
    assert_eq!(received.headers["cookie"], "s=1; t=2");
    assert_eq!(received.headers["host"], house.url.trim_start_matches("http://"));
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers().get_all(header::SET_COOKIE).iter().count(), 2);
    assert_eq!(answer.headers()[header::LOCATION], format!("{}/shop/us/checkout?items=a:1", house.url));
    let page = answer.text().await.unwrap();
    assert_eq!(page, format!("<a href=\"{}/shop/us/p/canyon-mug\">mug</a>", house.url));
}

#[tokio::test]
async fn links_to_the_shops_end_at_pages_of_theirs() {
    let house = House::open().await;
    house.is_up();
    for (path, status, shows) in [
        ("/shop/us/p/trail-tee?variant=trail-tee-red-m&utm_source=x", 200, "Trail Tee"),
        ("/shop/uk/p/tea-caddy", 200, "14.00 GBP"),
        ("/shop/us/p/nothing", 404, "nothing here"),
        ("/shop/us", 200, "Acme"),
        ("/shop/us/checkout?items=trail-tee-red-m:2,%3Cb%3E:1", 200, "&#60;b&#62;"),
        ("/network/link", 200, "Nora Winter"),
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(shows), "{path}: {page}");
    }
    assert_eq!(house.get("/shop/fr").await.status(), 404);
    let over = house.get("/network/link/nora").await;
    let to = over.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert!(to.starts_with("/link/generic?user=nora&handle=nora&expires="), "{to}");
}
