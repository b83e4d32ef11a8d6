import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "photomgr.settings")
# The threads of this process share their database connections.
os.environ["PHOTOMGR_WEB"] = "true"
application = get_wsgi_application()
