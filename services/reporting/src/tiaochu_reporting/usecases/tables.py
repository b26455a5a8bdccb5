"""Documents of this service."""

from tiaochu_kit.documents import DocumentTable
from tiaochu_reporting.domain.books import Books

BOOKS = DocumentTable("books", Books)
