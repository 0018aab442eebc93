// What remend makes of every prefix of a text: JSON lists of prefixes in, one a line, and out.
import { createInterface } from "node:readline";
import remend from "remend";

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(JSON.parse(line).map((prefix) => remend(prefix))));
}
