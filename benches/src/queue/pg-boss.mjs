// Drives pg-boss for `benches queue`; see program.rs for what is said when. A worker that fetches a
// full batch fetches the next one at once; without that it would wait for its interval.
import { createInterface } from "node:readline";
import { PgBoss } from "pg-boss";
import pg from "pg";

const { QUEUE_URL, QUEUE_JOBS, QUEUE_BATCH, QUEUE_CLAIM, QUEUE_CLAIMERS } = process.env;
const [jobs, batch, claim, claimers] = [QUEUE_JOBS, QUEUE_BATCH, QUEUE_CLAIM, QUEUE_CLAIMERS].map(Number);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const boss = new PgBoss({ connectionString: QUEUE_URL, max: claimers + 2 });
boss.on("error", (error) => { throw error; });
await boss.start();
await boss.createQueue("nothing");
const client = new pg.Client({ connectionString: QUEUE_URL });
await client.connect();
console.log("ready");

await input.next();
for (let first = 0; first < jobs; first += batch) {
  const length = Math.min(batch, jobs - first);
  await boss.insert("nothing", Array.from({ length }, (_, index) => ({ data: { number: first + index } })));
}
console.log("enqueued");

await input.next();
let done = 0;
await boss.work(
  "nothing",
  { batchSize: claim, localConcurrency: claimers, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
  async (batch) => { done += batch.length; },
);
while (done < jobs) await sleep(5);
const left = "SELECT EXISTS (SELECT FROM pgboss.job WHERE state < 'completed') AS left";
while ((await client.query(left)).rows[0].left) await sleep(5);
console.log("processed");

await input.next();
process.exit(0);
