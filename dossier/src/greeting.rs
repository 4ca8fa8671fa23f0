//! The message printed at start: the service's address, and a command to try.

use std::path::Path;

use ingress::Addresses;

/// Prints the message of `dossier serve`.
pub fn serve(addresses: &Addresses, key_file: Option<&Path>) {
    let api = addresses.api;
    println!("Dossier listens on http://{api}");
    println!("  console:            http://{api}/console");
    println!("  API documentation:  http://{api}/docs");
    println!("  health and metrics: http://{}", addresses.ops);
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
