//! What a newcomer reads first: where the service is, and a line to try.

use std::path::Path;

use ingress::Addresses;

/// Greets at the start of `dossier serve`.
pub fn serve(addresses: &Addresses, key_file: Option<&Path>) {
    let api = addresses.api;
    println!(
        "Dossier listens on http://{api} (its API: http://{api}/docs, health: http://{})",
        addresses.ops
    );
    let token = if let Some(file) = key_file {
        println!("The admin's key is in {}. Try an upload:", file.display());
        format!("$(cat '{}')", file.display())
    } else {
        println!("The admin's key is the one in DOSSIER_BOOTSTRAP_KEY. Try an upload:");
        "$DOSSIER_BOOTSTRAP_KEY".to_owned()
    };
    println!(
        "  curl -H \"Authorization: Bearer {token}\" -F file=@README.md http://{api}/v1/documents"
    );
}
