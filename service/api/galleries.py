"""/galleries and what lies below: subjects and templates."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service.api.deps import After, GalleryInPath, Limit, PartsDep, SubjectInPath, cursor_to
from service.api.filters import FilterInQuery
from service.api.gallery_answers import GalleryOut, GalleryPageOut
from service.api.gallery_forms import GalleryPatch, NewGallery, SubjectPatch
from service.api.guard import GuardedRoute, needs
from service.api.problems import documented
from service.api.schemas import (
    SubjectDetailOut,
    SubjectOut,
    SubjectPageOut,
    SubjectTemplateOut,
    TemplatePageOut,
)
from service.core import galleries
from service.core.access import Scope

TemplateInPath = Annotated[str, Path(description="As enrolment answered it.")]

router = APIRouter(prefix="/galleries", route_class=GuardedRoute, tags=["galleries"])


@router.get(
    "",
    operation_id="list_galleries",
    openapi_extra=needs(),
    summary="List galleries",
    response_model=GalleryPageOut,
    responses=documented("unknown_field", "busy"),
)
def get_galleries(parts: PartsDep, after: After, limit: Limit = 100) -> GalleryPageOut:
    """All galleries, oldest first, in parts."""
    page = galleries.list_galleries(parts.store, after, limit)
    return GalleryPageOut.of(page, cursor_to(page.after))


@router.post(
    "",
    operation_id="create_gallery",
    openapi_extra=needs(Scope.ADMIN),
    summary="Create a gallery",
    status_code=201,
    response_model=GalleryOut,
    responses=documented(
        "malformed_request", "duplicate", "body_too_large", "unknown_field", "busy"
    ),
)
def post_gallery(new: NewGallery, parts: PartsDep) -> GalleryOut:
    """Make an empty gallery for the model that serves now. `default` is made on first use."""
    return GalleryOut.of(galleries.create(parts.store, new.gallery, parts.model, new.change()))


@router.get(
    "/{gallery}",
    operation_id="get_gallery",
    openapi_extra=needs(),
    summary="Get a gallery",
    response_model=GalleryOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_gallery(gallery: GalleryInPath, parts: PartsDep) -> GalleryOut:
    """One gallery, its model, and how much it holds."""
    return GalleryOut.of(galleries.describe(parts.store, gallery))


@router.patch(
    "/{gallery}",
    operation_id="update_gallery",
    openapi_extra=needs(Scope.ADMIN),
    summary="Change a gallery's settings",
    response_model=GalleryOut,
    responses=documented(
        "malformed_request", "unknown_gallery", "body_too_large", "unknown_field", "busy"
    ),
)
def patch_gallery(gallery: GalleryInPath, patch: GalleryPatch, parts: PartsDep) -> GalleryOut:
    """Change what is sent, leave what is not; each setting is replaced as a whole.

    Images enrolled from now on have to keep the bounds of `quality`, or are refused as
    `low_quality`; what is enrolled stays, and a search takes any image. `fusion` counts from the
    next search. With `retention_days`, what was enrolled longer ago is erased within a minute.
    """
    return GalleryOut.of(galleries.change(parts.store, gallery, patch.change()))


@router.delete(
    "/{gallery}",
    operation_id="delete_gallery",
    openapi_extra=needs(Scope.ADMIN),
    summary="Erase a gallery",
    status_code=204,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def delete_gallery(gallery: GalleryInPath, parts: PartsDep) -> Response:
    """Erase a gallery with every subject and template in it, for good."""
    galleries.delete(parts, gallery)
    return Response(status_code=204)


@router.get(
    "/{gallery}/subjects",
    operation_id="list_subjects",
    openapi_extra=needs(Scope.READ, Scope.ENROL),
    summary="List the subjects of a gallery",
    response_model=SubjectPageOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_subjects(
    gallery: GalleryInPath,
    parts: PartsDep,
    after: After,
    wanted: FilterInQuery,
    limit: Limit = 100,
) -> SubjectPageOut:
    """Subjects in the order of their first enrolment, in parts."""
    page = galleries.list_subjects(parts.store, gallery, after, limit, wanted)
    subjects = [SubjectOut.of(subject) for subject in page.items]
    return SubjectPageOut(subjects=subjects, next_cursor=cursor_to(page.after))


@router.get(
    "/{gallery}/subjects/{subject_id:path}",
    operation_id="get_subject",
    openapi_extra=needs(Scope.READ, Scope.ENROL),
    summary="Get a subject",
    response_model=SubjectDetailOut,
    responses=documented("unknown_gallery", "unknown_subject", "unknown_field", "busy"),
)
def get_subject(
    gallery: GalleryInPath, subject_id: SubjectInPath, parts: PartsDep
) -> SubjectDetailOut:
    """One subject and their templates."""
    return SubjectDetailOut.of_both(galleries.subject(parts.store, gallery, subject_id))


@router.patch(
    "/{gallery}/subjects/{subject_id:path}",
    operation_id="update_subject",
    openapi_extra=needs(Scope.ENROL),
    summary="Change a subject's name or metadata",
    response_model=SubjectDetailOut,
    responses=documented(
        "malformed_request",
        "unknown_gallery",
        "unknown_subject",
        "body_too_large",
        "unknown_field",
        "busy",
    ),
)
def patch_subject(
    gallery: GalleryInPath, subject_id: SubjectInPath, patch: SubjectPatch, parts: PartsDep
) -> SubjectDetailOut:
    """Change what is sent, leave what is not; `metadata` is replaced as a whole."""
    changed = galleries.change_subject(parts.store, gallery, subject_id, patch.change())
    return SubjectDetailOut.of_both(changed)


@router.delete(
    "/{gallery}/subjects/{subject_id:path}",
    operation_id="delete_subject",
    openapi_extra=needs(Scope.ENROL),
    summary="Erase a subject",
    status_code=204,
    responses=documented("unknown_gallery", "unknown_subject", "unknown_field", "busy"),
)
def delete_subject(gallery: GalleryInPath, subject_id: SubjectInPath, parts: PartsDep) -> Response:
    """Erase a subject and their templates, for good: no later search lists them."""
    galleries.delete_subject(parts.store, gallery, subject_id)
    return Response(status_code=204)


@router.get(
    "/{gallery}/templates",
    operation_id="list_templates",
    openapi_extra=needs(Scope.READ, Scope.ENROL),
    summary="List the templates of a gallery",
    response_model=TemplatePageOut,
    responses=documented("unknown_gallery", "unknown_field", "busy"),
)
def get_templates(
    gallery: GalleryInPath, parts: PartsDep, after: After, limit: Limit = 100
) -> TemplatePageOut:
    """Templates in the order of their enrolment, in parts; never with their vectors."""
    page = galleries.list_templates(parts.store, gallery, after, limit)
    templates = [SubjectTemplateOut.of_subject(one) for one in page.items]
    return TemplatePageOut(templates=templates, next_cursor=cursor_to(page.after))


@router.get(
    "/{gallery}/templates/{template_id}",
    operation_id="get_template",
    openapi_extra=needs(Scope.READ, Scope.ENROL),
    summary="Get a template",
    response_model=SubjectTemplateOut,
    responses=documented("unknown_gallery", "unknown_template", "unknown_field", "busy"),
)
def get_template(
    gallery: GalleryInPath, template_id: TemplateInPath, parts: PartsDep
) -> SubjectTemplateOut:
    """One template, without its vector, and whose it is."""
    return SubjectTemplateOut.of_subject(galleries.template(parts.store, gallery, template_id))


@router.delete(
    "/{gallery}/templates/{template_id}",
    operation_id="delete_template",
    openapi_extra=needs(Scope.ENROL),
    summary="Erase a template",
    status_code=204,
    responses=documented("unknown_gallery", "unknown_template", "unknown_field", "busy"),
)
def delete_template(
    gallery: GalleryInPath, template_id: TemplateInPath, parts: PartsDep
) -> Response:
    """Erase one template, for good; its subject stays, even without any template."""
    galleries.delete_template(parts.store, gallery, template_id)
    return Response(status_code=204)
