// Loaded into Azurite before it starts: what has a name of its own is looked up by that name first.
//
// Azurite 3.35 keeps rows and blobs in LokiJS and asks it for { PartitionKey, RowKey }, or { accountName, containerName,
// name, snapshot }. LokiJS uses an index for the first property only and then goes through all that it found: a whole
// partition, or all blobs, for each one that is read or written. After 5,000 mails that was nine tenths of its time, and
// nothing like Azure, where a point lookup takes the same time however many there are. Turned round, the index finds one
// or two. What is answered stays the same.

const { Collection } = require("lokijs");

const MOST_TELLING = ["RowKey", "name", "blobName"];
const findOne = Collection.prototype.findOne;

Collection.prototype.findOne = function (query) {
  const first = MOST_TELLING.find((property) => query && property in query);
  return findOne.call(this, first ? { [first]: query[first], ...query } : query);
};
