/* tools/checks/access_doc.h - the part of docs/ACCESS.md that follows from the program. */
#ifndef TOOLS_CHECKS_ACCESS_DOC_H
#define TOOLS_CHECKS_ACCESS_DOC_H

void access_doc_print(void);

#endif
