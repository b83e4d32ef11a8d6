from django.urls import path

from labels.views import bundles, photos, recipes, regions, status, tags, upload

urlpatterns = [
    path("", photos.photo_list, name="photos"),
    path("upload/", upload.upload, name="upload"),
    path("labels/", tags.tag_list, name="labels"),
    path("photos/retry/", photos.photos_retry, name="photos_retry"),
    path("photos/<int:pk>/", photos.photo_detail, name="photo"),
    path("photos/<int:pk>/thumbnail/", photos.photo_thumbnail, name="photo_thumbnail"),
    path("photos/<int:pk>/rendition/", photos.photo_rendition, name="photo_rendition"),
    path("photos/<int:pk>/original/", photos.photo_original, name="photo_original"),
    path("photos/<int:pk>/delete/", photos.photo_delete, name="photo_delete"),
    path("photos/<int:pk>/retry/", photos.photo_retry, name="photo_retry"),
    path("bundles/", bundles.bundle_list, name="bundles"),
    path("bundles/new/", bundles.bundle_create, name="bundle_create"),
    path("bundles/<int:pk>/", bundles.bundle_detail, name="bundle"),
    path("bundles/<int:pk>/state/", bundles.bundle_state, name="bundle_state"),
    path("bundles/<int:pk>/cancel/", bundles.bundle_cancel, name="bundle_cancel"),
    path("bundles/<int:pk>/retry/", bundles.bundle_retry, name="bundle_retry"),
    path("bundles/<int:pk>/keep/", bundles.bundle_keep, name="bundle_keep"),
    path("bundles/<int:pk>/parts/<int:number>/", bundles.bundle_part, name="bundle_part"),
    path("notices/<int:pk>/dismiss/", bundles.notice_dismiss, name="notice_dismiss"),
    path("recipes/new/", recipes.recipe_save, name="recipe_save"),
    path("recipes/<int:pk>/run/", recipes.recipe_run, name="recipe_run"),
    path("recipes/<int:pk>/delete/", recipes.recipe_delete, name="recipe_delete"),
    path("status/", status.status, name="status"),
    path("status/retry/", status.status_retry, name="status_retry"),
    path("status/regions/retry/", regions.regions_retry, name="regions_retry"),
    path("healthz", status.healthz, name="healthz"),
    path("readyz", status.readyz, name="readyz"),
]
