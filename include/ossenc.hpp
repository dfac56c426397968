// libossenc for C++17 and later: handles that free themselves, results that cannot be overlooked, views instead of
// pointers and lengths. Header-only, over the C interface of ossenc.h, which is the manual: a function here names the
// function there whose text holds, and says what differs.
//
//   ossenc/result.hpp     Status, Error, Result; or_throw() for programs with exceptions
//   ossenc/bytes.hpp      Bytes, MutableBytes, List, Pair, Source and Target; what all handles have
//   ossenc/library.hpp    Library, Config, and what they take of their host
//   ossenc/keystore.hpp   Keystore, Change: master keys
//   ossenc/segment.hpp    Sealer, Ticket, Receipt, layouts and conversion
//   ossenc/read.hpp       Map, Extents, Opener, Stream
//   ossenc/object.hpp     Choice, Context, Expect, Object: sealing, reading, manifests, attributes, uploads
//   ossenc/operation.hpp  Operation, Ask, Answer, Provider: key services
//   ossenc/keyring.hpp    Keyring: creates, opens and rewraps objects; direct encryption
//   ossenc/census.hpp     Census
//   ossenc/sse.hpp        server-side encryption as clients of OSS and S3 speak it
//
// HANDLES  Classes with a handle move and do not copy. Moving and destroying never fail. What is made from a handle keeps
//   what it needs of it, so they may be destroyed in any order; the exceptions, which borrow, say so.
//
// THREADS  A const method may be called by any number of threads at once on one handle, others by one at a time: const
//   methods pass const handles to the C interface, whose rule this is.
//
// ERRORS  A Result is a value or an error, and a warning if ignored. Nothing throws but or_throw(), and a std::vector or
//   std::string for which there is no memory.
//
// MEMORY  Bytes, MutableBytes and List borrow. Data bodies are never copied; what is small and of unknown size comes as a
//   Buffer or a std::string of its own.
#ifndef OSSENC_HPP
#define OSSENC_HPP

#include "ossenc/bytes.hpp"
#include "ossenc/census.hpp"
#include "ossenc/keyring.hpp"
#include "ossenc/keystore.hpp"
#include "ossenc/library.hpp"
#include "ossenc/object.hpp"
#include "ossenc/operation.hpp"
#include "ossenc/read.hpp"
#include "ossenc/result.hpp"
#include "ossenc/segment.hpp"
#include "ossenc/sse.hpp"

#endif
