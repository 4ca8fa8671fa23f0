// Uploads a file in pieces that survive broken connections, and waits until it is active. The types
// come from the service's own description.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import createClient from "openapi-fetch";
import * as tus from "tus-js-client";
import type { components, paths } from "./api";

type Document = components["schemas"]["Document"];

const url = process.env.DSR_URL ?? "http://127.0.0.1:8080";
const headers = { Authorization: `Bearer ${process.env.DSR_KEY}` };
const client = createClient<paths>({ baseUrl: url, headers });

/** Uploads bytes by tus, and returns the id of the document that they become. */
function upload(name: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(bytes as never, {
      endpoint: `${url}/v1/uploads`,
      headers,
      chunkSize: 8 * 1024 * 1024,
      retryDelays: [0, 1000, 3000, 10000],
      metadata: { filename: name },
      onProgress: (sent, total) => console.error(`${sent} of ${total} bytes`),
      onError: reject,
      // The document has the id of the upload.
      onSuccess: () => resolve(upload.url?.split("/").pop() ?? ""),
    });
    upload.start();
  });
}

/** Waits until a document is no longer pending. */
async function settled(id: string): Promise<Document> {
  for (;;) {
    const { data, error } = await client.GET("/v1/documents/{id}", {
      params: { path: { id }, query: { wait: 30 } },
    });
    if (error) throw new Error(`${error.code}: ${error.detail} (request ${error.request_id})`);
    if (data.status !== "pending") return data;
  }
}

const path = process.argv[2];
const id = await upload(basename(path), await readFile(path));
const document = await settled(id);
console.log(JSON.stringify(document));
if (document.status !== "active") throw new Error(document.error?.detail ?? "it isn't active");
