// Command raw lists runners with nothing but the standard library.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	for page := "1"; page != ""; {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, os.Args[1]+"/api/v4/runners?per_page=100&page="+page, nil)
		if err != nil {
			panic(err)
		}
		req.Header.Set("Private-Token", os.Args[2])
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		var rows []struct {
			ID          int64  `json:"id"`
			Description string `json:"description"`
		}
		if err := json.NewDecoder(res.Body).Decode(&rows); err != nil {
			panic(err)
		}
		_ = res.Body.Close()
		for _, r := range rows {
			fmt.Println(r.ID, r.Description)
		}
		page = res.Header.Get("X-Next-Page")
	}
}
