"""The generator of the vectors, written from docs/FORMAT.md alone.

`primitives` has the format, section by section, and checks nothing: cases that break a rule are built with it, too. Each
of the other modules has the cases of one file, or, with a longer name, some of them. Cases are built properly up to the
one thing that each is about: an invalid keystore body, say, is sealed under the right root key, so that a reader gets as
far as the rule that is broken.
"""

FORMAT_NAME = "ossenc vectors 1"
