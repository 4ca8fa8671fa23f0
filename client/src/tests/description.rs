//! The types of the client against the description of the API: an example of each shape, with all of
//! its members and with those alone that are always there, is read as the type and written again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::types::{
    Action, Activity, ApiKey, AuditLogEntry, Delivery, DeliveryStatus, Document, DocumentChanges,
    DocumentError, DocumentFilter, DocumentStatus, Event, EventPage, ItemResult, Job, JobFilter,
    JobState, JobsCancelled, JobsRetried, KeyRequest, KeySet, Me, NewApiKey, NewOperation,
    NewStorageMove, NewTicket, NewUser, NewWebhook, OnConflict, Operation, OperationItem,
    OperationStatus, Page, Problem, Queue, QueuePause, Role, ScheduledJob, SignIn, SignedReceipt,
    StorageMove, StorageMoveStatus, StoragePlace, Ticket, TicketStatus, TimelineEntry, Upload,
    UploadStatus, Usage, User, UserChanges, Version, VersionStatus, Webhook, WebhookChanges,
    WebhookStatus, Worker,
};

/// The description, as it was reviewed.
const DESCRIPTION: &str = include_str!(
    "../../../ingress/src/tests/snapshots/ingress__tests__document__the_document_is_as_it_was_reviewed.snap"
);

struct Description(Value);

/// Which members an example has.
#[derive(Clone, Copy)]
enum Members {
    All,
    Required,
}

impl Description {
    #[expect(clippy::disallowed_methods, reason = "the description is ours")]
    fn read() -> Self {
        let begin = DESCRIPTION.find("\n{").unwrap();
        Self(serde_json::from_str(&DESCRIPTION[begin..]).unwrap())
    }

    fn shape(&self, name: &str) -> &Value {
        let found = self.0.pointer(&format!("/components/schemas/{name}"));
        found.unwrap_or_else(|| panic!("the description has no {name}"))
    }

    fn example(&self, shape: &Value, members: Members) -> Value {
        if let Some(reference) = shape["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            return self.example(self.shape(name), members);
        }
        if let Some(all) = shape["allOf"].as_array() {
            return self.example(&all[0], members);
        }
        if let Some(values) = shape["enum"].as_array() {
            return values[0].clone();
        }
        match (shape["type"].as_str(), shape["format"].as_str()) {
            (Some("string"), Some("date-time")) => json!("2026-01-02T03:04:05.678901Z"),
            (Some("string"), Some("uuid")) => json!("01890a5d-ac96-774b-bcce-b302099a8057"),
            (Some("string"), _) => json!("text"),
            (Some("integer"), _) => json!(7),
            (Some("number"), _) => json!(1.5),
            (Some("boolean"), _) => json!(true),
            (Some("array"), _) => json!([self.example(&shape["items"], members)]),
            (Some("object"), _) if shape["properties"].is_object() => self.object(shape, members),
            // Without a type it is whatever JSON there is.
            (Some("object") | None, _) => json!({"any": "thing"}),
            _ => panic!("no example of {shape}"),
        }
    }

    fn object(&self, shape: &Value, members: Members) -> Value {
        let required = shape["required"].as_array().cloned().unwrap_or_default();
        let mut example = Map::new();
        for (name, member) in shape["properties"].as_object().unwrap() {
            let is_wanted = match members {
                Members::All => true,
                Members::Required => required.contains(&json!(name)),
            };
            if is_wanted {
                example.insert(name.clone(), self.example(member, members));
            }
        }
        Value::Object(example)
    }

    fn check<T: DeserializeOwned + Serialize>(&self, name: &str) {
        let shape = self.shape(name);
        let full = self.example(shape, Members::All);
        let read: T = serde_json::from_value(full.clone())
            .unwrap_or_else(|error| panic!("{name}: {error} in {full}"));
        assert_eq!(serde_json::to_value(&read).unwrap(), full, "{name}");
        let short = self.example(shape, Members::Required);
        let read: T = serde_json::from_value(short.clone())
            .unwrap_or_else(|error| panic!("{name}: {error} in {short}"));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(without_nulls(written), short, "{name}");
    }

    /// Checks that a type has these values and no others.
    fn check_values<T: DeserializeOwned + Serialize>(&self, name: &str) {
        for value in self.shape(name)["enum"].as_array().unwrap() {
            let read: T = serde_json::from_value(value.clone())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(&serde_json::to_value(&read).unwrap(), value);
        }
    }
}

/// A value without members that are null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[test]
fn shapes_are_as_described() {
    let description = Description::read();
    description.check::<ApiKey>("ApiKey");
    description.check::<Document>("Document");
    description.check::<DocumentChanges>("DocumentChanges");
    description.check::<DocumentError>("DocumentError");
    description.check::<DocumentFilter>("DocumentFilter");
    description.check::<Event>("Event");
    description.check::<EventPage>("EventPage");
    description.check::<KeySet>("KeySet");
    description.check::<Me>("Me");
    description.check::<NewApiKey>("NewApiKey");
    description.check::<NewTicket>("NewTicket");
    description.check::<Operation>("Operation");
    description.check::<OperationItem>("OperationItem");
    description.check::<Page<Document>>("DocumentPage");
    description.check::<Page<OperationItem>>("OperationItemPage");
    description.check::<Page<Ticket>>("TicketPage");
    description.check::<Page<TimelineEntry>>("TimelinePage");
    description.check::<Page<Upload>>("UploadPage");
    description.check::<Page<Version>>("VersionPage");
    description.check::<Problem>("Problem");
    description.check::<SignIn>("SignIn");
    description.check::<SignedReceipt>("SignedReceipt");
    description.check::<Usage>("Usage");
    description.check::<NewWebhook>("NewWebhook");
    description.check::<WebhookChanges>("WebhookChanges");
    description.check::<Page<Webhook>>("WebhookPage");
    description.check::<Page<Delivery>>("DeliveryPage");
}

#[test]
fn shapes_of_admins_are_as_described() {
    let description = Description::read();
    description.check::<Activity>("Activity");
    description.check::<Page<ApiKey>>("ApiKeyPage");
    description.check::<Page<AuditLogEntry>>("AuditLogPage");
    description.check::<JobFilter>("JobCancellation");
    description.check::<JobFilter>("JobSelection");
    description.check::<Page<Job>>("JobPage");
    description.check::<JobsCancelled>("JobsCancelled");
    description.check::<JobsRetried>("JobsRetried");
    description.check::<KeyRequest>("NewApiKeyRequest");
    description.check::<NewStorageMove>("NewStorageMove");
    description.check::<NewUser>("NewUser");
    description.check::<Page<Queue>>("QueuePage");
    description.check::<QueuePause>("QueuePause");
    description.check::<Page<ScheduledJob>>("ScheduledJobPage");
    description.check::<Page<StorageMove>>("StorageMovePage");
    description.check::<Page<StoragePlace>>("StoragePlacePage");
    description.check::<Page<User>>("UserPage");
    description.check::<UserChanges>("UserChanges");
    description.check::<Page<Worker>>("WorkerPage");
}

#[test]
fn values_are_as_described() {
    let description = Description::read();
    description.check_values::<Action>("Action");
    description.check_values::<DocumentStatus>("DocumentStatus");
    description.check_values::<ItemResult>("ItemResult");
    description.check_values::<OnConflict>("OnConflict");
    description.check_values::<OperationStatus>("OperationStatus");
    description.check_values::<JobState>("JobState");
    description.check_values::<Role>("Role");
    description.check_values::<StorageMoveStatus>("StorageMoveStatus");
    description.check_values::<TicketStatus>("TicketStatus");
    description.check_values::<UploadStatus>("UploadStatus");
    description.check_values::<VersionStatus>("VersionStatus");
    description.check_values::<WebhookStatus>("WebhookStatus");
    description.check_values::<DeliveryStatus>("DeliveryStatus");
}

#[test]
fn operations_are_as_described() {
    let description = Description::read();
    for (shape, select) in [
        ("PlainOperation", "SelectionByIds"),
        ("UpdateOperation", "SelectionByFilter"),
        ("ExportOperation", "SelectionByIds"),
    ] {
        let mut operation = Map::new();
        for (name, member) in description.shape(shape)["properties"].as_object().unwrap() {
            let value = match name.as_str() {
                "select" => description.example(description.shape(select), Members::All),
                _ => description.example(member, Members::All),
            };
            operation.insert(name.clone(), value);
        }
        let read: NewOperation = serde_json::from_value(json!(operation)).unwrap();
        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            json!(operation),
            "{shape}"
        );
    }
}
