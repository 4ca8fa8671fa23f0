// A client as its author would write it: the types come from the API's description.
import createClient from "openapi-fetch";
import type { paths } from "./api";

export async function upload(token: string, name: string, text: string): Promise<string> {
  const client = createClient<paths>({
    baseUrl: "http://127.0.0.1:8080",
    headers: { Authorization: `Bearer ${token}` },
  });
  const listed = await client.GET("/v1/documents", { params: { query: { limit: 1 } } });
  const first: string | undefined = listed.data?.items[0]?.id;
  const found = await client.GET("/v1/documents/{id}", {
    params: { path: { id: first ?? name }, query: { wait: 5 } },
  });
  if (found.error) {
    const code: string = found.error.code;
    return code;
  }
  const size: number = found.data.size_bytes;
  // @ts-expect-error the description has no such member
  const unknown = found.data.colour;
  return `${found.data.status} ${size} ${unknown} ${text}`;
}
