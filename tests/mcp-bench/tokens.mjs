// Counts tokens: a JSON list of texts on standard input, a JSON list of their o200k tokens on standard output.

import { Tiktoken } from "js-tiktoken/lite";
import o200k from "js-tiktoken/ranks/o200k_base";

const encoding = new Tiktoken(o200k);
let input = "";
for await (const chunk of process.stdin.setEncoding("utf8")) input += chunk;
// Texts are only texts here: what looks like a special token is none.
const count = (text) => encoding.encode(text, [], []).length;
process.stdout.write(JSON.stringify(JSON.parse(input).map(count)));
