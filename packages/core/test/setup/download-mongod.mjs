// Prints the path of the mongod that it downloads into the folder given. A process of its own,
// because a download that gets no answer can only be ended from outside.
import { MongoBinary } from 'mongodb-memory-server-core';

try {
  console.log(await MongoBinary.getPath({ downloadDir: process.argv[2] }));
} catch (error) {
  console.error(error.message.replaceAll('\n', ' '));
  process.exitCode = 1;
}
