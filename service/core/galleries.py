"""Use cases of galleries and subjects."""

from dataclasses import dataclass

from service.core.errors import Duplicate, UnknownGallery, UnknownSubject, UnknownTemplate
from service.core.gallery import (
    DEFAULT_GALLERY,
    GALLERY_NAME,
    Gallery,
    Model,
    Page,
    Size,
    Subject,
    SubjectChange,
    SubjectTemplate,
    Template,
    subject_id_objection,
)
from service.core.gallery_settings import SettingsChange
from service.core.metadata_filter import MetadataFilter
from service.core.ports import Parts, Store


@dataclass(frozen=True, slots=True)
class Described:
    """A gallery and how much it holds."""

    gallery: Gallery
    size: Size


def find(store: Store, name: str) -> Gallery:
    """The gallery called `name`; raises UnknownGallery, also where no gallery can be called so."""
    if not GALLERY_NAME.fullmatch(name):
        raise UnknownGallery(f"No gallery is called {name[:80]!r}.")
    return store.gallery(name)


def opened(parts: Parts, name: str) -> tuple[Gallery, Parts]:
    """The gallery called `name`, and the parts of its model; the default one is made on first use.

    Raises:
        UnknownGallery: there is none.
        ModelMismatch: its vectors come from a model that is not served here.
    """
    try:
        gallery = find(parts.store, name)
    except UnknownGallery:
        if name != DEFAULT_GALLERY:
            raise
        gallery = _make_default(parts.store, parts.model)
    return gallery, parts.of(gallery)


def _make_default(store: Store, model: Model) -> Gallery:
    try:
        return store.create_gallery(DEFAULT_GALLERY, model, SettingsChange())
    except Duplicate:  # another process was faster
        return store.gallery(DEFAULT_GALLERY)


def create(
    store: Store, name: str, model: Model, change: SettingsChange | None = None
) -> Described:
    """Make an empty gallery, with other settings than usual; raises Duplicate."""
    return Described(store.create_gallery(name, model, change or SettingsChange()), Size())


def describe(store: Store, name: str) -> Described:
    """One gallery; raises UnknownGallery."""
    gallery = find(store, name)
    return Described(gallery, store.sizes([gallery.id])[gallery.id])


def change(store: Store, name: str, change: SettingsChange) -> Described:
    """Change a gallery's settings from now on; raises UnknownGallery."""
    changed = store.change_gallery(find(store, name), change)
    return Described(changed, store.sizes([changed.id])[changed.id])


def list_galleries(store: Store, after: int, limit: int) -> Page[Described]:
    """Part of all galleries, oldest first."""
    page = store.galleries(after, limit)
    sizes = store.sizes([gallery.id for gallery in page.items])
    described = tuple(Described(gallery, sizes[gallery.id]) for gallery in page.items)
    return Page(described, page.after)


def delete(parts: Parts, name: str) -> None:
    """Erase a gallery and everything in it, and to come into it; raises UnknownGallery."""
    gallery = find(parts.store, name)
    parts.store.delete_gallery(gallery)
    for one in filter(None, (parts, parts.upcoming)):
        one.index.forget(gallery.id)
    parts.imports.uploads.discard_all_of(gallery.id)


def list_subjects(
    store: Store, name: str, after: int, limit: int, wanted: MetadataFilter | None = None
) -> Page[Subject]:
    """Part of a gallery's subjects that are meant, in the order of their first enrolment."""
    return store.subjects(find(store, name), after, limit, wanted)


def subject(store: Store, name: str, subject_id: str) -> tuple[Subject, list[Template]]:
    """One subject and its templates; raises UnknownGallery, UnknownSubject."""
    return store.subject(find(store, name), possible(subject_id))


def change_subject(
    store: Store, name: str, subject_id: str, change: SubjectChange
) -> tuple[Subject, list[Template]]:
    """Change a subject's name or metadata; raises UnknownGallery, UnknownSubject."""
    return store.change_subject(find(store, name), possible(subject_id), change)


def delete_subject(store: Store, name: str, subject_id: str) -> None:
    """Erase a subject and its templates; raises UnknownGallery, UnknownSubject."""
    store.delete_subject(find(store, name), possible(subject_id))


def list_templates(store: Store, name: str, after: int, limit: int) -> Page[SubjectTemplate]:
    """Part of a gallery's templates, in the order of their enrolment."""
    return store.templates(find(store, name), after, limit)


def template(store: Store, name: str, template_id: str) -> SubjectTemplate:
    """One template and whose it is; raises UnknownGallery, UnknownTemplate."""
    return store.template(find(store, name), _possible_template(template_id))


def delete_template(store: Store, name: str, template_id: str) -> None:
    """Erase one template; its subject stays. Raises UnknownGallery, UnknownTemplate."""
    store.delete_template(find(store, name), _possible_template(template_id))


def _possible_template(template_id: str) -> str:
    if "\0" in template_id:  # PostgreSQL takes no such text
        raise UnknownTemplate(f"No template has the id {template_id[:80]!r}.")
    return template_id


def possible(subject_id: str) -> str:
    """`subject_id`, where there can be a subject with that id; raises UnknownSubject."""
    if subject_id_objection(subject_id):
        raise UnknownSubject(f"No subject has the id {subject_id[:80]!r}.")
    return subject_id
