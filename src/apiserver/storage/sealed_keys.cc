// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/sealed_keys.h"

#include <utility>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/scrypt.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kPurpose = "klutch store keys in a backup";
constexpr std::size_t kSaltSize = 32;

Result<crypto::Keyring> wrapping_key(const Secret& passphrase, std::string_view salt,
                                     const crypto::ScryptCost& cost) {
  return crypto::Keyring::create({TRY(crypto::scrypt(passphrase, salt, cost, crypto::Keyring::kKeySize))});
}

}  // namespace

Result<> mark_as_backup(sqlite::Database& database) {
  return database.execute(
      "CREATE TABLE backup(id INTEGER PRIMARY KEY CHECK (id = 1), salt BLOB, n INTEGER, block_size INTEGER, "
      "parallel INTEGER, keys BLOB) STRICT; INSERT INTO backup(id) VALUES (1)");
}

Result<> add_sealed_keys(sqlite::Database& database, const Secret& key_text, const Secret& passphrase) {
  const auto salt = crypto::random_bytes(kSaltSize);
  const crypto::ScryptCost cost;
  const auto wrapping = TRY(wrapping_key(passphrase, salt, cost));
  const auto sealed = TRY(wrapping.seal(key_text.reveal(), kPurpose));
  auto set =
      TRY(database.prepare("UPDATE backup SET salt = ?1, n = ?2, block_size = ?3, parallel = ?4, keys = ?5"));
  return set.bind_blob(1, salt)
      .bind(2, static_cast<std::int64_t>(cost.n))
      .bind(3, std::int64_t{cost.block_size})
      .bind(4, std::int64_t{cost.parallel})
      .bind_blob(5, sealed)
      .run();
}

Result<> unmark_backup(sqlite::Database& database) {
  return database.execute("DROP TABLE IF EXISTS backup");
}

Result<bool> has_sealed_keys(sqlite::Database& database) {
  auto row = TRY(database.prepare("SELECT 1 FROM backup WHERE keys IS NOT NULL"));
  return row.step();
}

Result<Secret> open_sealed_keys(sqlite::Database& database, const Secret& passphrase) {
  auto row =
      TRY(database.prepare("SELECT salt, n, block_size, parallel, keys FROM backup WHERE keys IS NOT NULL"));
  if (!TRY(row.step())) return fail(Code::kNotFound, "no keys went with this backup");
  const crypto::ScryptCost cost{.n = static_cast<std::uint64_t>(row.integer(1)),
                                .block_size = static_cast<std::uint32_t>(row.integer(2)),
                                .parallel = static_cast<std::uint32_t>(row.integer(3))};
  const auto wrapping = TRY(wrapping_key(passphrase, row.blob(0), cost));
  auto opened = wrapping.open(row.blob(4), kPurpose);
  if (!opened) return fail(Code::kForbidden, "the keys in the backup do not open with this passphrase");
  return *std::move(opened);
}

}  // namespace klutch::apiserver
