//! Compares two descriptions of the API, and tells what of the newer breaks clients of the older.
//! New members of answers, new values in them and new operations break nobody: clients ignore what they
//! don't know (docs/UPGRADING.md).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Which way a shape goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// From the client: it must not be narrowed.
    Request,
    /// To the client: it must not be widened where clients rely on it.
    Response,
}

/// A comparison under way.
struct Comparison<'d> {
    old: &'d Value,
    new: &'d Value,
    found: BTreeSet<String>,
    compared: BTreeSet<(Way, String)>,
}

/// Bounds, and whether a lower one is the stricter.
const BOUNDS: [(&str, bool); 8] = [
    ("maximum", true),
    ("maxLength", true),
    ("maxItems", true),
    ("maxProperties", true),
    ("minimum", false),
    ("minLength", false),
    ("minItems", false),
    ("minProperties", false),
];

/// Returns what of the newer description breaks clients of the older, one line each.
pub fn incompatible_changes(old: &Value, new: &Value) -> BTreeSet<String> {
    let mut comparison = Comparison {
        old,
        new,
        found: BTreeSet::new(),
        compared: BTreeSet::new(),
    };
    for (path, operations) in members(&old["paths"]) {
        for (method, operation) in members(operations) {
            let later = &new["paths"][path][method];
            comparison.operation(operation, later, &format!("{method} {path}"));
        }
    }
    comparison.found
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Follows references, and joins what has to hold together.
fn resolved(document: &Value, schema: &Value) -> Map<String, Value> {
    if let Some(name) = name(schema) {
        return resolved(document, &document["components"]["schemas"][name]);
    }
    let mut object = schema.as_object().cloned().unwrap_or_default();
    object.remove("allOf");
    for part in items(&schema["allOf"]) {
        object.extend(resolved(document, part));
    }
    object
}

/// The name of the shape that a schema refers to.
fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

impl Comparison<'_> {
    fn tell(&mut self, place: &str, what: &str) {
        self.found.insert(format!("{place}: {what}"));
    }

    fn operation(&mut self, old: &Value, new: &Value, place: &str) {
        if !new.is_object() {
            return self.tell(place, "is gone");
        }
        self.parameters(old, new, place);
        let (body, later) = (&old["requestBody"], &new["requestBody"]);
        if later["required"] == true && body["required"] != true {
            self.tell(place, "the body is required");
        }
        self.content(Way::Request, body, later, place);
        for (status, answer) in members(&old["responses"]) {
            let (later, place) = (&new["responses"][status], format!("{place} {status}"));
            if later.is_object() {
                self.content(Way::Response, answer, later, &place);
                for (field, _) in members(&answer["headers"]) {
                    if !later["headers"][field].is_object() {
                        self.tell(&format!("{place} {field}"), "is gone");
                    }
                }
            } else if status.starts_with(['2', '3']) {
                // What was refused may be taken.
                self.tell(&place, "is gone");
            }
        }
    }

    fn parameters(&mut self, old: &Value, new: &Value, place: &str) {
        let find = |operation: &'_ Value, one: &Value| {
            let same = |other: &&Value| other["in"] == one["in"] && other["name"] == one["name"];
            items(&operation["parameters"]).find(same).cloned()
        };
        for parameter in items(&new["parameters"]) {
            let earlier = find(old, parameter).unwrap_or_default();
            if parameter["required"] == true && earlier["required"] != true {
                self.tell(&of_parameter(place, parameter), "is required");
            }
        }
        for parameter in items(&old["parameters"]) {
            let place = of_parameter(place, parameter);
            match find(new, parameter) {
                None => self.tell(&place, "is gone"),
                Some(later) => {
                    let schema = |parameter: &Value| match &parameter["content"] {
                        Value::Null => parameter["schema"].clone(),
                        content => content["application/json"]["schema"].clone(),
                    };
                    self.schema(Way::Request, &schema(parameter), &schema(&later), &place);
                }
            }
        }
    }

    fn content(&mut self, way: Way, old: &Value, new: &Value, place: &str) {
        for (media, shape) in members(&old["content"]) {
            let (place, later) = (format!("{place} {media}"), &new["content"][media]);
            if later.is_object() {
                self.schema(way, &shape["schema"], &later["schema"], &place);
            } else {
                self.tell(&place, "is gone");
            }
        }
    }

    /// Compares shapes: those with a name once, at their name.
    fn schema(&mut self, way: Way, old: &Value, new: &Value, place: &str) {
        let mut place = place.to_owned();
        let is_named = name(old).or_else(|| name(&old["allOf"][0])).is_some();
        if is_named && !self.compared.insert((way, format!("{old} {new}"))) {
            return;
        }
        if let Some(name) = name(old) {
            place = match way {
                Way::Request => format!("request {name}"),
                Way::Response => format!("response {name}"),
            };
        }
        let (old, new) = (resolved(self.old, old), resolved(self.new, new));
        self.kind(way, &old, &new, &place);
        if way == Way::Request {
            self.limits(&old, &new, &place);
        }
        self.required(way, &old, &new, &place);
        let member =
            |object: &Map<String, Value>, name: &str| object.get(name).cloned().unwrap_or_default();
        for (name, shape) in members(&member(&old, "properties")) {
            let place = format!("{place}/{name}");
            let later = member(&new, "properties");
            match later.get(name).filter(|later| later.is_object()) {
                Some(later) => self.schema(way, shape, later, &place),
                None => self.tell(&place, "is gone"),
            }
        }
        if let (Some(shape), Some(later)) = (old.get("items"), new.get("items")) {
            self.schema(way, shape, later, &format!("{place}/*"));
        }
        for several in ["oneOf", "anyOf"] {
            let later = member(&new, several);
            for (number, shape) in items(&member(&old, several)).enumerate() {
                let place = format!("{place} ({several} {number})");
                match later.get(number) {
                    Some(later) => self.schema(way, shape, later, &place),
                    None => self.tell(&place, "is gone"),
                }
            }
        }
    }

    fn kind(&mut self, way: Way, old: &Map<String, Value>, new: &Map<String, Value>, place: &str) {
        for word in ["type", "format"] {
            let (was, is) = (old.get(word), new.get(word));
            let takes_all = way == Way::Request && is.is_none();
            if was != is && !takes_all {
                let text = |word: Option<&Value>| word.map_or("none".to_owned(), Value::to_string);
                self.tell(
                    place,
                    &format!("the {word} is {}, was {}", text(is), text(was)),
                );
            }
        }
        let is_nullable = |schema: &Map<String, Value>| {
            schema.get("nullable").and_then(Value::as_bool) == Some(true)
        };
        match (way, is_nullable(old), is_nullable(new)) {
            (Way::Request, true, false) => self.tell(place, "null is refused"),
            (Way::Response, false, true) => self.tell(place, "may be null"),
            _ => {}
        }
    }

    /// What is accepted must not become less.
    fn limits(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, place: &str) {
        if let Some(values) = new.get("enum") {
            if !old.contains_key("enum") {
                self.tell(place, &format!("only {values} is accepted"));
            }
            for known in old.get("enum").map(items).into_iter().flatten() {
                if !items(values).any(|value| value == known) {
                    self.tell(place, &format!("{known} is refused"));
                }
            }
        }
        for (bound, is_upper) in BOUNDS {
            let number = |schema: &Map<String, Value>| schema.get(bound).and_then(Value::as_f64);
            let is_stricter = match (number(old), number(new)) {
                (Some(was), Some(is)) => (is_upper && is < was) || (!is_upper && is > was),
                (None, Some(is)) => is_upper || is > 0.0,
                _ => false,
            };
            if is_stricter {
                self.tell(place, &format!("{bound} is {}", new[bound]));
            }
        }
        if new.contains_key("pattern") && new.get("pattern") != old.get("pattern") {
            self.tell(place, &format!("the pattern is {}", new["pattern"]));
        }
    }

    fn required(
        &mut self,
        way: Way,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        place: &str,
    ) {
        let names = |schema: &Map<String, Value>| -> BTreeSet<String> {
            let required = schema.get("required").cloned().unwrap_or_default();
            let names = items(&required).filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        let (was, is) = (names(old), names(new));
        let (more, what) = match way {
            Way::Request => (is.difference(&was), "is required"),
            Way::Response => (was.difference(&is), "may be missing"),
        };
        for name in more {
            let is_there = new
                .get("properties")
                .is_some_and(|all| all[name].is_object());
            if is_there {
                self.tell(&format!("{place}/{name}"), what);
            }
        }
    }
}

fn of_parameter(place: &str, parameter: &Value) -> String {
    let text = |member: &str| parameter[member].as_str().unwrap_or_default();
    format!("{place} {} {}", text("in"), text("name"))
}
