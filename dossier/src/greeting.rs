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
    match key_file {
        Some(file) => {
            let file = file.display();
            println!("The admin's key lies in {file}. Try an upload:");
            println!(
                "  curl -H \"Authorization: Bearer $(cat '{file}')\" -F file=@README.md http://{api}/v1/documents"
            );
        }
        None => {
            println!("The admin's key is the one in DOSSIER_BOOTSTRAP_KEY. Try an upload:");
            println!(
                "  curl -H \"Authorization: Bearer $DOSSIER_BOOTSTRAP_KEY\" -F file=@README.md http://{api}/v1/documents"
            );
        }
    }
}
