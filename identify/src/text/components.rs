//! Components of interfaces, which are pages' elements with a program beside a template.

use crate::finding::Finding;

/// A component of Vue or Svelte: a script and a template, each at the beginning of a line.
pub(super) fn judge(body: &str, first: &str) -> Option<Finding> {
    let page = ["<html", "<head", "<body", "<!doctype"];
    let lower = body.to_ascii_lowercase();
    if !matches!(first, "template" | "script" | "style")
        || page.iter().any(|tag| lower.contains(tag))
    {
        return None;
    }
    let opens = |tag: &str| {
        body.match_indices(tag)
            .any(|(at, _)| at == 0 || body.as_bytes()[at - 1] == b'\n')
    };
    if opens("<template") && opens("</template>") && (opens("<script") || opens("<style")) {
        return Some(Finding::certain("text/x-vue").active_if(true));
    }
    let marks = [
        "{#if ",
        "{#each ",
        "{#await ",
        "bind:",
        " on:click",
        "\n\t$: ",
        "export let ",
    ];
    let svelte = first == "script"
        && body.contains("</script>")
        && marks.iter().any(|mark| body.contains(mark));
    svelte.then(|| Finding::certain("text/x-svelte").active_if(true))
}
