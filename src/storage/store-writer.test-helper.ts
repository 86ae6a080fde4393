// A program for tests: `DATABASE FIRST` adds batches of orders to a store until it is killed, those of meters FIRST,
// FIRST + 1, ... It writes "batch FIRST COUNT" when the store has confirmed a batch. Without FIRST it only opens the
// store.
import { openStore } from "./open-store.ts";
import { orderOf } from "./test-orders.test-helper.ts";

const BATCH = 60;
const [, , database, first] = process.argv;
const store = await openStore(database!);
if (first === undefined) {
  await store.close();
} else {
  process.stdout.write("open\n");
  for (let meter = Number(first); ; meter += BATCH) {
    const orders = Array.from({ length: BATCH }, (_, i) => orderOf(meter + i, 1));
    const results = await store.addOrders(orders, 1);
    if (results.some((result) => result !== "accepted")) throw new Error(results.join(" "));
    process.stdout.write(`batch ${meter} ${BATCH}\n`);
  }
}
