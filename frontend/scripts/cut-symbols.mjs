// node cut-symbols.mjs FROM TO: copy a program without its symbol table, which only debuggers need (17 MB of Node.js).
//
// In a 64-bit little-endian ELF file the program headers describe the parts that are loaded; symbols and section headers
// come after these. So the copy ends with the last loaded byte and has no sections. `strip` of binutils does much the
// same, but would have to be installed first.
import { readFileSync, writeFileSync } from "node:fs";

const [from, to] = process.argv.slice(2);
const program = readFileSync(from);
if (program.readUInt32BE(0) !== 0x7f454c46 || program[4] !== 2 || program[5] !== 1) {
  throw new Error(`${from} is not a 64-bit little-endian ELF file`);
}

const headers = Number(program.readBigUInt64LE(0x20));
const size = program.readUInt16LE(0x36);
const count = program.readUInt16LE(0x38);
let end = headers + count * size;
for (let at = headers; at < headers + count * size; at += size) {
  const [offset, length] = [program.readBigUInt64LE(at + 0x08), program.readBigUInt64LE(at + 0x20)];
  end = Math.max(end, Number(offset + length));
}

program.writeBigUInt64LE(0n, 0x28); // e_shoff
program.writeUInt16LE(0, 0x3c); // e_shnum
program.writeUInt16LE(0, 0x3e); // e_shstrndx
writeFileSync(to, program.subarray(0, end), { mode: 0o755 });
