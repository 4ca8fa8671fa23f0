//! Orders of a list, page by page, while documents come and go.

use domain::{ByteSize, Document, UserId};
use ledger::{
    Arrival, Database, ListRequest, Position, Sort, Target, accept, delete_document, list_page,
};
use tests::ledger::{NOW, accepted, arrival, limits, user};
use tests::on_each_database;

use super::filters::{all, at};

const SORTS: [&str; 8] = [
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "name",
    "-name",
    "size_bytes",
    "-size_bytes",
];

/// Every page of `limit` documents; `between` is done after each.
async fn pages(
    db: &Database,
    mut request: ListRequest,
    between: impl AsyncFn(&[Document]),
) -> Vec<Document> {
    let mut seen = Vec::new();
    loop {
        let page = list_page(db, &request).await.unwrap();
        assert!(page.len() <= request.limit as usize);
        let Some(last) = page.last() else {
            return seen;
        };
        // As a cursor carries it.
        let place = Position::of(last, request.sort).to_string();
        request.after = Some(Position::read(&place, request.sort).unwrap());
        between(&page).await;
        seen.extend(page);
    }
}

/// Twenty documents of which several share each value that they are ordered by.
async fn twenty(db: &Database, owner: UserId) {
    let names = [
        "b",
        "a",
        "ä",
        "B",
        "Z",
        "z",
        "\u{10400}",
        "\u{ffee}",
        "a b",
        "_",
    ];
    let arrivals: Vec<_> = (0..20_u64)
        .map(|index| Arrival {
            name: names[usize::try_from(index).unwrap() / 2].parse().unwrap(),
            size: ByteSize::new(index % 4),
            ..arrival(owner, &index.to_string(), at(index / 3))
        })
        .collect();
    let answers = accept(db, &limits(), &arrivals).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
}

fn in_order(documents: &mut [Document], sort: Sort) {
    documents.sort_by(|one, other| {
        let order = match sort.key.as_str() {
            "created_at" => one.created_at.cmp(&other.created_at),
            "updated_at" => one.updated_at.cmp(&other.updated_at),
            "name" => one.name.as_str().chars().cmp(other.name.as_str().chars()),
            _ => one.size.cmp(&other.size),
        };
        let order = order.then(one.id.cmp(&other.id));
        if sort.descending {
            order.reverse()
        } else {
            order
        }
    });
}

async fn delete(db: &Database, document: &Document) {
    let target = Target {
        document: document.id,
        owner: document.owner,
        precondition: ledger::Precondition::None,
    };
    delete_document(db, &target, NOW, |_| vec![]).await.unwrap();
}

#[on_each_database]
async fn every_order_is_the_same_page_by_page(db: &Database) {
    let owner = user(db, "alice").await;
    twenty(db, owner).await;
    accepted(db, arrival(user(db, "bob").await, "not alice's", NOW)).await;
    for sort in SORTS {
        let sort: Sort = sort.parse().unwrap();
        let mut expected = list_page(db, &ListRequest { sort, ..all(owner) })
            .await
            .unwrap();
        let whole = expected.clone();
        in_order(&mut expected, sort);
        assert_eq!(whole, expected, "{sort}");
        assert_eq!(whole.len(), 20);
        for limit in [1, 3, 7, 20, 200] {
            let request = ListRequest {
                sort,
                limit,
                ..all(owner)
            };
            assert_eq!(
                pages(db, request, async |_| ()).await,
                whole,
                "{sort} by {limit}"
            );
        }
    }
}

#[on_each_database]
async fn what_comes_and_goes_meanwhile_moves_nothing_else(db: &Database) {
    for (index, sort) in SORTS.into_iter().enumerate() {
        let owner = user(db, &format!("user {index}")).await;
        twenty(db, owner).await;
        let request = ListRequest {
            sort: sort.parse().unwrap(),
            limit: 4,
            ..all(owner)
        };
        let before = pages(db, request.clone(), async |_| ()).await;
        let seen = pages(db, request, async |page: &[Document]| {
            // Gone: one that was seen, even the last, where the next page begins. New: before and behind.
            delete(db, &page[0]).await;
            if page.len() > 1 {
                delete(db, page.last().unwrap()).await;
            }
            let twins = [&page[0], page.last().unwrap()].map(|twin| Arrival {
                name: twin.name.clone(),
                size: twin.size,
                ..arrival(owner, "new", twin.created_at)
            });
            if page.iter().any(|document| before.contains(document)) {
                accept(db, &limits(), &twins).await.unwrap();
            }
        });
        let seen = seen.await;
        let old: Vec<_> = seen
            .iter()
            .filter(|document| before.contains(document))
            .cloned()
            .collect();
        assert_eq!(old, before, "{sort}");
        let mut ids: Vec<_> = seen.iter().map(|document| document.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), seen.len(), "{sort}: none twice");
    }
}
