// Drives graphile-worker for `benches queue`; see program.rs for what is said when. The settings are
// those of its documentation's page on performance.
import { createInterface } from "node:readline";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const { QUEUE_URL, QUEUE_JOBS, QUEUE_BATCH, QUEUE_CLAIM } = process.env;
const [jobs, batch, claim] = [QUEUE_JOBS, QUEUE_BATCH, QUEUE_CLAIM].map(Number);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const logger = new Logger(() => () => {});
const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const utils = await makeWorkerUtils({ connectionString: QUEUE_URL, logger });
await utils.migrate();
const client = new pg.Client({ connectionString: QUEUE_URL });
await client.connect();
console.log("ready");

await input.next();
for (let first = 0; first < jobs; first += batch) {
  const length = Math.min(batch, jobs - first);
  await utils.addJobs(
    Array.from({ length }, (_, index) => ({ identifier: "nothing", payload: { number: first + index } })),
  );
}
console.log("enqueued");

await input.next();
let done = 0;
const runner = await run({
  taskList: { nothing: () => { done += 1; } },
  noHandleSignals: true,
  preset: {
    worker: {
      connectionString: QUEUE_URL,
      concurrentJobs: 16,
      maxPoolSize: 18,
      localQueue: { size: claim },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger,
    },
  },
});
while (done < jobs) await sleep(5);
// Completed jobs are deleted.
const left = "SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS left";
while ((await client.query(left)).rows[0].left) await sleep(5);
console.log("processed");

await input.next();
await runner.stop();
process.exit(0);
