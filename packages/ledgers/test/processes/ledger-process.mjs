// One process that does one verb, and may be killed in the middle of it:
// node ledger-process.mjs <file: path of the file | mongo: uri of the database> <steps | tasks> <verb> <id> <json of params> <json of by> <point>
// Points of a file: 'lock', 'write' (half of the bytes are written), 'sync', 'rename', 'after'. Points of MongoDB: the
// number of the command before which it ends, counted from 1; a point that is never reached lets it end by itself.
import fs from 'node:fs';

const [where, place, kind, verb, id, params, by, point] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');

// The lock takes its functions when it is loaded.
if (where === 'file') killInFile();

const {
  CoordinationFormat,
  CoordinationLedger,
  MarkdownRecordStore,
  MongoRecordStore,
  VerificationFormat,
  VerificationLedger,
} = await import('@monque/ledgers');

async function openStore() {
  if (where === 'file') {
    return new MarkdownRecordStore(
      place,
      kind === 'steps' ? new VerificationFormat() : new CoordinationFormat(),
    );
  }
  const { MongoClient } = await import('mongodb');
  const client = await new MongoClient(place, { monitorCommands: true }).connect();
  let commands = 0;
  client.on('commandStarted', ({ commandName }) => {
    if (!['find', 'insert', 'update'].includes(commandName)) return;
    commands += 1;
    // The command is not sent yet when it is announced.
    if (commands === Number(point)) die();
  });
  return new MongoRecordStore(client.db());
}

function killInFile() {
  const { mkdir, write } = fs;
  const points = {
    lock: () => {
      fs.mkdir = (path, ...rest) => {
        if (!path.endsWith('.lock')) return mkdir(path, ...rest);
        fs.mkdirSync(path);
        die();
      };
    },
    write: () => {
      fs.write = (file, data, ...rest) => {
        if (typeof data !== 'string') return write(file, data, ...rest);
        fs.writeSync(file, data.slice(0, data.length / 2));
        die();
      };
    },
    sync: () => {
      fs.fsync = die;
    },
    rename: () => {
      fs.rename = die;
    },
    after: () => {
      fs.rename = (from, to) => {
        fs.renameSync(from, to);
        die();
      };
    },
  };
  points[point]();
}

const store = await openStore();
const ledger =
  kind === 'steps' ? new VerificationLedger({ store }) : new CoordinationLedger({ store });
if (verb === 'add') await ledger.records.add(id, JSON.parse(params), JSON.parse(by));
else await ledger.records.move(verb, id, JSON.parse(params), JSON.parse(by));
process.exit(0);
